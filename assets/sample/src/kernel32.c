/* The outermost frames of a user stack, and the old entry points that forward to KERNELBASE. */
#include "sample.h"

IMPORT(DeviceIoControl);
IMPORT(CreateProcessW);
POINTER(StartAddress);

FN(BaseThreadInitThunk, StartAddress)
FN(DeviceIoControlImplementation, DeviceIoControl)
FN(CreateProcessWStub, CreateProcessW)
FN(DllMain, BaseThreadInitThunk, DeviceIoControlImplementation, CreateProcessWStub)
