/* The service host: sockets, registry, messages between processes. */
#include "sample.h"

IMPORT(NtAlpcSendWaitReceivePort);
IMPORT(NtDeviceIoControlFile);
IMPORT(RegSetValueExW);
IMPORT(CreateEventW);

FN(ServiceSocketWorker, NtDeviceIoControlFile)
FN(ServiceRpcWorker, NtAlpcSendWaitReceivePort)
FN(ServiceRegistryFlush, RegSetValueExW)
FN(ServiceStarter, CreateEventW, ServiceSocketWorker, ServiceRpcWorker, ServiceRegistryFlush)
FN(SvcHostMain, ServiceStarter)
FN(wmain, SvcHostMain)
FN(wmainCRTStartup, wmain)
