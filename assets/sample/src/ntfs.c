/* The file system: contexts of open files, closed again after a while; a cache that grows and then stays. */
#include "sample.h"

IMPORT(ExAllocatePoolWithTag);
IMPORT(ExFreePoolWithTag);
IMPORT(CcInitializeCacheMap);
IMPORT(KeExpandKernelStackAndCalloutEx);
IMPORT(IofCompleteRequest);

FN(NtfsAllocateFromNPagedLookasideList, ExAllocatePoolWithTag)
FN(NtfsCreateIrpContext, ExAllocatePoolWithTag)
FN(NtfsCleanupIrpContext, ExFreePoolWithTag)
FN(NtfsCreateFcb, ExAllocatePoolWithTag)
FN(NtfsCreateScb, ExAllocatePoolWithTag)
FN(NtfsCreateCcb, ExAllocatePoolWithTag)
FN(NtfsCreateLcb, ExAllocatePoolWithTag)
FN(NtfsDeleteScb, ExFreePoolWithTag)
FN(NtfsDeleteFcb, ExFreePoolWithTag)
FN(NtfsDeleteCcb, ExFreePoolWithTag)
FN(NtfsTeardownFromLcb, NtfsDeleteScb, NtfsDeleteFcb)
FN(NtfsTeardownStructures, NtfsTeardownFromLcb)
FN(NtfsOpenAttribute, NtfsCreateScb, NtfsCreateCcb)
FN(NtfsOpenFile, NtfsCreateFcb, NtfsOpenAttribute)
FN(NtfsCreateNewFile, NtfsCreateFcb, NtfsCreateLcb, NtfsOpenAttribute)
FN(NtfsCommonCreate, NtfsOpenFile, NtfsCreateNewFile)
FN(NtfsCommonCreateCallout, NtfsCommonCreate)
FN(NtfsFsdCreate, NtfsCreateIrpContext, KeExpandKernelStackAndCalloutEx, NtfsCommonCreateCallout)
FN(NtfsCachedRead, CcInitializeCacheMap)
FN(NtfsCommonRead, NtfsCachedRead, NtfsAllocateFromNPagedLookasideList)
FN(NtfsFsdRead, NtfsCreateIrpContext, NtfsCommonRead)
FN(NtfsCommonWrite, CcInitializeCacheMap, NtfsAllocateFromNPagedLookasideList)
FN(NtfsFsdWrite, NtfsCreateIrpContext, NtfsCommonWrite)
FN(NtfsQueryDirectory, ExAllocatePoolWithTag)
FN(NtfsCommonDirectoryControl, NtfsQueryDirectory)
FN(NtfsFsdDirectoryControl, NtfsCreateIrpContext, NtfsCommonDirectoryControl)
FN(NtfsCommonClose, NtfsDeleteCcb, NtfsTeardownStructures)
FN(NtfsFspClose, NtfsCommonClose)
FN(NtfsFsdClose, NtfsCommonClose, NtfsCleanupIrpContext, IofCompleteRequest)
FN(NtfsFsdDispatchWait, NtfsFsdCreate, NtfsFsdRead, NtfsFsdWrite, NtfsFsdDirectoryControl)
FN(NtfsFsdDispatch, NtfsFsdDispatchWait, NtfsFsdClose, NtfsFspClose)
FN(DriverEntry, NtfsFsdDispatch)
