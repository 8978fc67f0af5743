/* The network I/O subsystem: net buffers and filter classification. */
#include "sample.h"

IMPORT(ExAllocatePoolWithTag);
IMPORT(ExFreePoolWithTag);
POINTER(ClassifyFn);

FN(NetioAllocateMdl, ExAllocatePoolWithTag)
FN(NetioFreeMdl, ExFreePoolWithTag)
FN(NetioAllocateNetBuffer, NetioAllocateMdl)
FN(NetioAllocateAndReferenceNetBufferAndNetBufferList, NetioAllocateNetBuffer, ExAllocatePoolWithTag)
FN(NetioFreeNetBufferAndNetBufferList, NetioFreeMdl, ExFreePoolWithTag)
FN(NetioDereferenceNetBufferListChain, NetioFreeNetBufferAndNetBufferList)
FN(WfpPoolAllocNonPaged, ExAllocatePoolWithTag)
FN(WfpPoolFree, ExFreePoolWithTag)
FN(ProcessCallout, ClassifyFn)
FN(ArbitrateAndEnforce, ProcessCallout, WfpPoolAllocNonPaged)
FN(KfdClassify, ArbitrateAndEnforce, WfpPoolFree)
FN(NmrRegisterProvider, ExAllocatePoolWithTag)
FN(DriverEntry, KfdClassify, NmrRegisterProvider, NetioDereferenceNetBufferListChain, NetioAllocateAndReferenceNetBufferAndNetBufferList)
