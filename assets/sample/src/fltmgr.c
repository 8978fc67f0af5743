/* The filter manager: stands between the kernel and the file system on nearly every file stack. */
#include "sample.h"

IMPORT(ExAllocatePoolWithTag);
IMPORT(ExFreePoolWithTag);
IMPORT(IofCallDriver);
POINTER(PreOperation);

FN(FltpAllocateCallbackData, ExAllocatePoolWithTag)
FN(FltpFreeCallbackData, ExFreePoolWithTag)
FN(FltpAllocateIrpCtrl, FltpAllocateCallbackData, ExAllocatePoolWithTag)
FN(FltpFreeIrpCtrl, FltpFreeCallbackData, ExFreePoolWithTag)
FN(FltAllocateContext, ExAllocatePoolWithTag)
FN(FltReleaseContext, ExFreePoolWithTag)
FN(FltpCreateStreamListCtrl, ExAllocatePoolWithTag)
FN(FltpGetFileNameInformation, ExAllocatePoolWithTag)
FN(FltGetFileNameInformation, FltpGetFileNameInformation)
FN(FltpPerformPreCallbacksWorker, PreOperation)
FN(FltpPerformPreCallbacks, FltpPerformPreCallbacksWorker)
FN(FltpPassThroughInternal, FltpAllocateIrpCtrl, FltpPerformPreCallbacks)
FN(FltpLegacyProcessingAfterPreCallbacksCompleted, IofCallDriver, FltpFreeIrpCtrl)
FN(FltpPassThrough, FltpPassThroughInternal, FltpLegacyProcessingAfterPreCallbacksCompleted)
FN(FltpCreate, FltpCreateStreamListCtrl, FltpPassThroughInternal, FltpLegacyProcessingAfterPreCallbacksCompleted)
FN(FltpDispatch, FltpPassThrough, FltpCreate, FltReleaseContext, FltAllocateContext)
FN(DriverEntry, FltpDispatch, FltGetFileNameInformation)
