/* The user side of system calls, and where every thread begins. */
#include "sample.h"

POINTER(SystemCall);
POINTER(StartAddress);
POINTER(Callback);
IMPORT(BaseThreadInitThunk);

FN(NtDeviceIoControlFile, SystemCall)
FN(NtCreateFile, SystemCall)
FN(NtOpenFile, SystemCall)
FN(NtReadFile, SystemCall)
FN(NtWriteFile, SystemCall)
FN(NtClose, SystemCall)
FN(NtQueryDirectoryFileEx, SystemCall)
FN(NtCreateSection, SystemCall)
FN(NtMapViewOfSection, SystemCall)
FN(NtAllocateVirtualMemory, SystemCall)
FN(NtOpenKeyEx, SystemCall)
FN(NtSetValueKey, SystemCall)
FN(NtCreateEvent, SystemCall)
FN(NtDuplicateToken, SystemCall)
FN(NtCreateThreadEx, SystemCall)
FN(NtCreateUserProcess, SystemCall)
FN(NtAlpcSendWaitReceivePort, SystemCall)
FN(NtWaitForWorkViaWorkerFactory, SystemCall)
FN(TppSimplepExecuteCallback, Callback)
FN(TppWorkpExecuteCallback, Callback)
FN(TppWorkerThread, NtWaitForWorkViaWorkerFactory, TppWorkpExecuteCallback, TppSimplepExecuteCallback)
FN(KiUserCallbackDispatcher, Callback)
FN(LdrpMapDllNtFileName, NtOpenFile, NtCreateSection, NtMapViewOfSection)
FN(LdrpLoadDllInternal, LdrpMapDllNtFileName)
FN(LdrLoadDll, LdrpLoadDllInternal)
FN(RtlUserThreadStart, BaseThreadInitThunk, StartAddress, TppWorkerThread)
FN(DllMain, RtlUserThreadStart, KiUserCallbackDispatcher, LdrLoadDll)
