/* The shell: opens folders, reads the registry, draws windows. */
#include "sample.h"

IMPORT(FindFirstFileExW);
IMPORT(RegOpenKeyExW);
IMPORT(CreateWindowExW);
IMPORT(CreateFileW);
IMPORT(DispatchMessageW);

FN(CTaskBand_v_WndProc, CreateWindowExW, RegOpenKeyExW)
FN(CTray_MessageLoop, DispatchMessageW, CTaskBand_v_WndProc)
FN(CTray_MainThreadProc, CTray_MessageLoop)
FN(EnumerateFolder, FindFirstFileExW, CreateFileW)
FN(wWinMain, CTray_MainThreadProc, EnumerateFolder)
FN(wWinMainCRTStartup, wWinMain)
