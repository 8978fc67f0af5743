/* TCP/IP: endpoints, connections, send and receive paths. */
#include "sample.h"

IMPORT(NetioAllocateMdl);
IMPORT(NetioAllocateAndReferenceNetBufferAndNetBufferList);
IMPORT(NetioFreeNetBufferAndNetBufferList);
IMPORT(ExAllocatePoolWithTag);
IMPORT(ExFreePoolWithTag);
IMPORT(ExAllocatePool2);

FN(TcpCreateEndpoint, ExAllocatePoolWithTag)
FN(TcpTlProviderEndpoint, TcpCreateEndpoint)
FN(TcpCreateTcb, ExAllocatePool2)
FN(TcpCreateAndConnectTcbComplete, TcpCreateTcb)
FN(TcpCreateAndConnectTcb, TcpCreateAndConnectTcbComplete)
FN(TcpTlProviderConnect, TcpCreateAndConnectTcb)
FN(TcpBeginTcbSend, NetioAllocateAndReferenceNetBufferAndNetBufferList)
FN(TcpTcbSend, TcpBeginTcbSend)
FN(TcpEnqueueTcbSend, TcpTcbSend, ExAllocatePoolWithTag)
FN(TcpTlConnectionSend, TcpEnqueueTcbSend)
FN(TcpCleanupTcb, ExFreePoolWithTag)
FN(TcpDereferenceTcb, TcpCleanupTcb)
FN(TcpTlConnectionCloseEndpoint, TcpDereferenceTcb)
FN(TcpTcbCarefulDatagram, ExAllocatePoolWithTag)
FN(TcpTcbReceive, TcpTcbCarefulDatagram, NetioFreeNetBufferAndNetBufferList)
FN(TcpMatchReceive, TcpTcbReceive)
FN(TcpReceive, TcpMatchReceive)
FN(UdpCreateEndpoint, ExAllocatePoolWithTag)
FN(UdpSendMessages, NetioAllocateMdl, NetioAllocateAndReferenceNetBufferAndNetBufferList)
FN(IppDeliverListToProtocol, TcpReceive)
FN(IppReceiveHeaderBatch, IppDeliverListToProtocol)
FN(IpFlcReceivePackets, IppReceiveHeaderBatch)
FN(FlpReceiveNonPreValidatedNetBufferListChain, IpFlcReceivePackets)
FN(FlReceiveNetBufferListChainCalloutRoutine, FlpReceiveNonPreValidatedNetBufferListChain)
FN(FlReceiveNetBufferListChain, FlReceiveNetBufferListChainCalloutRoutine)
FN(DriverEntry, FlReceiveNetBufferListChain, TcpTlProviderEndpoint, UdpCreateEndpoint, TcpTlProviderConnect)
FN(DriverUnload, TcpTlConnectionSend, TcpTlConnectionCloseEndpoint, UdpSendMessages)
