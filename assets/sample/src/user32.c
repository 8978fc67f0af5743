/* Windows and messages: between a program's window procedure and the kernel. */
#include "sample.h"

IMPORT(NtUserMessageCall);
IMPORT(NtUserCreateWindowEx);
POINTER(WindowProcedure);
POINTER(DialogProcedure);

FN(UserCallWinProcCheckWow, WindowProcedure)
FN(UserCallDlgProcCheckWow, DialogProcedure)
FN(DefDlgProcWorker, UserCallDlgProcCheckWow)
FN(DefDlgProcW, DefDlgProcWorker)
FN(SendMessageWorker, UserCallWinProcCheckWow, NtUserMessageCall)
FN(SendMessageW, SendMessageWorker)
FN(DispatchMessageWorker, UserCallWinProcCheckWow)
FN(DispatchMessageW, DispatchMessageWorker)
FN(IsDialogMessageW, SendMessageW)
FN(VerNtUserCreateWindowEx, NtUserCreateWindowEx)
FN(CreateWindowInternal, VerNtUserCreateWindowEx)
FN(CreateWindowExW, CreateWindowInternal)
FN(DialogBox2, IsDialogMessageW, DispatchMessageW)
FN(InternalDialogBox, CreateWindowExW, DialogBox2)
FN(DialogBoxIndirectParamAorW, InternalDialogBox)
FN(DialogBoxParamW, DialogBoxIndirectParamAorW)
FN(DllMain, DialogBoxParamW, DefDlgProcW)
