/* The window manager's kernel half: session pool for windows, menus, bitmaps. */
#include "sample.h"

IMPORT(Win32AllocPoolWithQuotaImpl);
IMPORT(ExAllocatePoolWithTag);
IMPORT(ExFreePoolWithTag);
IMPORT(KeUserModeCallback);

FN(Win32AllocPoolImpl, ExAllocatePoolWithTag)
FN(Win32FreePoolImpl, ExFreePoolWithTag)
FN(HMAllocObject, Win32AllocPoolImpl, Win32AllocPoolWithQuotaImpl)
FN(HMFreeObject, Win32FreePoolImpl)
FN(xxxCreateWindowEx, HMAllocObject)
FN(NtUserCreateWindowEx, xxxCreateWindowEx)
FN(xxxFreeWindow, HMFreeObject)
FN(xxxDestroyWindow, xxxFreeWindow)
FN(NtUserDestroyWindow, xxxDestroyWindow)
FN(NtUserInternalGetWindowText, Win32AllocPoolImpl)
FN(SfnDWORD, KeUserModeCallback)
FN(xxxSendMessageToClient, SfnDWORD)
FN(xxxSendMessageTimeout, xxxSendMessageToClient)
FN(xxxWrapSendMessage, xxxSendMessageTimeout)
FN(NtUserMessageCall, xxxWrapSendMessage)
FN(AllocQEntry, Win32AllocPoolImpl)
FN(PostMessageExtended, AllocQEntry)
FN(NtUserPostMessage, PostMessageExtended)
FN(GreCreateCompatibleBitmap, Win32AllocPoolImpl)
FN(NtGdiCreateCompatibleBitmap, GreCreateCompatibleBitmap)
FN(NtGdiDeleteObjectApp, Win32FreePoolImpl)
FN(DriverEntry, NtUserCreateWindowEx, NtUserDestroyWindow, NtUserMessageCall, NtUserPostMessage)
FN(Win32kInitialize, NtGdiCreateCompatibleBitmap, NtGdiDeleteObjectApp, NtUserInternalGetWindowText)
