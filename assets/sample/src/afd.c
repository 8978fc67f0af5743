/* The socket driver: endpoints, buffers, the control routines behind winsock calls. */
#include "sample.h"

IMPORT(ExAllocatePoolWithTag);
IMPORT(ExAllocatePoolWithQuotaTag);
IMPORT(ExFreePoolWithTag);
IMPORT(TcpTlConnectionSend);
IMPORT(TcpTlProviderConnect);
IMPORT(TcpTlProviderEndpoint);

FN(AfdAllocateEndpoint, ExAllocatePoolWithQuotaTag)
FN(AfdCreate, AfdAllocateEndpoint, ExAllocatePoolWithTag)
FN(AfdBind, TcpTlProviderEndpoint)
FN(AfdTLConnect, TcpTlProviderConnect)
FN(AfdConnect, ExAllocatePoolWithTag, AfdTLConnect)
FN(AfdGetBufferWithMdl, ExAllocatePoolWithTag)
FN(AfdGetBuffer, AfdGetBufferWithMdl)
FN(AfdReturnBuffer, ExFreePoolWithTag)
FN(AfdTLStreamSend, TcpTlConnectionSend)
FN(AfdFastConnectionSend, AfdGetBuffer, AfdTLStreamSend, AfdReturnBuffer)
FN(AfdBReceive, AfdGetBuffer)
FN(AfdPoll64, ExAllocatePoolWithTag)
FN(AfdFreePollInfo, ExFreePoolWithTag)
FN(AfdFreeEndpoint, ExFreePoolWithTag)
FN(AfdClose, AfdFreeEndpoint, AfdFreePollInfo)
FN(AfdFastIoDeviceControl, AfdFastConnectionSend, AfdBReceive, AfdPoll64)
FN(AfdDispatchDeviceControl, AfdBind, AfdConnect, AfdPoll64)
FN(AfdDispatch, AfdCreate, AfdClose, AfdDispatchDeviceControl, AfdFastIoDeviceControl)
FN(DriverEntry, AfdDispatch)
