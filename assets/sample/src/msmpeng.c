/* The scanner: reads whatever others open; source of the burst. */
#include "sample.h"

IMPORT(CreateFileW);
IMPORT(ReadFile);
IMPORT(MapViewOfFile);
IMPORT(CloseHandle);

FN(ScanMappedFile, MapViewOfFile)
FN(ScanStream, ReadFile, ScanMappedFile)
FN(ScanFile, CreateFileW, ScanStream, CloseHandle)
FN(ScanDirectoryTree, ScanFile)
FN(QuickScanWorker, ScanDirectoryTree)
FN(ServiceCrtMain, QuickScanWorker)
FN(wmainCRTStartup, ServiceCrtMain)
