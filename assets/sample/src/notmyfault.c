/* The program of the story: its Leak page asks the driver for pool again and again. */
#include "sample.h"

IMPORT(DeviceIoControl);
IMPORT(DialogBoxParamW);
IMPORT(CreateFileW);

FN(LoadDriver, CreateFileW)
FN(LeakNonpagedPool, DeviceIoControl)
FN(LeakPagedPool, DeviceIoControl)
FN(LeakTabProc, LeakNonpagedPool, LeakPagedPool)
FN(MainDialogProc, LeakTabProc)
FN(WinMain, LoadDriver, DialogBoxParamW, MainDialogProc)
FN(WinMainCRTStartup, WinMain)
