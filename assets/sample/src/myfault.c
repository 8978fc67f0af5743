/* The driver of the story: its device control routine allocates pool with the tag Leak and never frees it. */
#include "sample.h"

IMPORT(ExAllocatePoolWithTag);
IMPORT(IofCompleteRequest);
IMPORT(IoCreateDevice);

FN(MyfaultLeakPaged, ExAllocatePoolWithTag)
FN(MyfaultLeakNonpaged, ExAllocatePoolWithTag)
FN(MyfaultDeviceControl, MyfaultLeakNonpaged, MyfaultLeakPaged, ExAllocatePoolWithTag)
FN(MyfaultDispatch, MyfaultDeviceControl, IofCompleteRequest)
FN(MyfaultUnload, IofCompleteRequest)
FN(DriverEntry, IoCreateDevice, MyfaultDispatch, MyfaultUnload)
