/* The Win32 calls that a stack passes through on its way down. */
#include "sample.h"

IMPORT(NtDeviceIoControlFile);
IMPORT(NtCreateFile);
IMPORT(NtReadFile);
IMPORT(NtWriteFile);
IMPORT(NtClose);
IMPORT(NtOpenKeyEx);
IMPORT(NtSetValueKey);
IMPORT(NtCreateEvent);
IMPORT(NtMapViewOfSection);
IMPORT(NtQueryDirectoryFileEx);
IMPORT(NtCreateUserProcess);
IMPORT(LdrLoadDll);

FN(DeviceIoControl, NtDeviceIoControlFile)
FN(CreateFileInternal, NtCreateFile)
FN(CreateFileW, CreateFileInternal)
FN(ReadFile, NtReadFile)
FN(WriteFile, NtWriteFile)
FN(CloseHandle, NtClose)
FN(MapViewOfFileEx, NtMapViewOfSection)
FN(MapViewOfFile, MapViewOfFileEx)
FN(FindFirstFileExW, NtQueryDirectoryFileEx)
FN(FindNextFileW, NtQueryDirectoryFileEx)
FN(RegOpenKeyExW, NtOpenKeyEx)
FN(RegSetValueExW, NtSetValueKey)
FN(CreateEventW, NtCreateEvent)
FN(LoadLibraryExW, LdrLoadDll)
FN(CreateProcessInternalW, NtCreateUserProcess)
FN(CreateProcessW, CreateProcessInternalW)
FN(DllMain, DeviceIoControl, CreateFileW, MapViewOfFile, CreateProcessW)
