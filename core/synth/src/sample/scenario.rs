//! Scenario of the sample: processes, tags, call paths and lifetimes. Data only.
//!
//! NotMyfault.exe starts after three seconds, loads myfault.sys and leaks nonpaged pool with the tag `Leak`. Other processes open
//! and close files, use sockets and read the registry. The file system's cache of file control blocks (`Ntff`) grows to a plateau;
//! a scan makes a burst of stream contexts (`FMsl`).

use crate::scenario::entities::AllocationPattern;

/// Process id, image, start as a fraction of the duration, threads.
pub(super) const PROCESSES: [(u32, &str, f64, u32); 5] = [
    (4, "System", 0.0, 6),
    (1_128, "svchost.exe", 0.0, 6),
    (2_764, "MsMpEng.exe", 0.0, 4),
    (4_488, "explorer.exe", 0.0, 4),
    (7_312, "NotMyfault.exe", 0.05, 1),
];

/// Named segments of call paths, outermost frame first.
pub(super) const SEGMENTS: [(&str, &str); 24] = [
    ("thread", "ntdll!RtlUserThreadStart kernel32!BaseThreadInitThunk"),
    ("pooled", "@thread ntdll!TppWorkerThread ntdll!TppWorkpExecuteCallback"),
    ("shell", "@thread explorer!wWinMainCRTStartup explorer!wWinMain"),
    ("folder", "@shell explorer!EnumerateFolder"),
    (
        "scan",
        "@thread msmpeng!wmainCRTStartup msmpeng!ServiceCrtMain msmpeng!QuickScanWorker msmpeng!ScanDirectoryTree msmpeng!ScanFile",
    ),
    ("socket", "@pooled svchost!ServiceSocketWorker ntdll!NtDeviceIoControlFile"),
    ("ioctl", "nt!KiSystemServiceCopyEnd nt!NtDeviceIoControlFile nt!IopXxxControlFile"),
    ("afd", "@ioctl nt!IopSynchronousServiceTail nt!IofCallDriver afd!AfdDispatch"),
    ("open_user", "kernelbase!CreateFileW kernelbase!CreateFileInternal ntdll!NtCreateFile"),
    (
        "open",
        "nt!KiSystemServiceCopyEnd nt!NtCreateFile nt!IopCreateFile nt!ObOpenObjectByNameEx nt!ObpLookupObjectName nt!IopParseDevice",
    ),
    ("open_flt", "@open nt!IofCallDriver fltmgr!FltpDispatch fltmgr!FltpCreate"),
    (
        "open_ntfs",
        "@open_flt fltmgr!FltpLegacyProcessingAfterPreCallbacksCompleted nt!IofCallDriver ntfs!NtfsFsdDispatch ntfs!NtfsFsdDispatchWait ntfs!NtfsFsdCreate nt!KeExpandKernelStackAndCalloutEx ntfs!NtfsCommonCreateCallout ntfs!NtfsCommonCreate ntfs!NtfsOpenFile",
    ),
    ("close_user", "kernelbase!CloseHandle ntdll!NtClose"),
    ("close", "nt!KiSystemServiceCopyEnd nt!NtClose nt!ObpCloseHandle nt!ObCloseHandleTableEntry"),
    (
        "close_file",
        "@close nt!ObfDereferenceObjectWithTag nt!ObpRemoveObjectRoutine nt!IopDeleteFile nt!IofCallDriver fltmgr!FltpDispatch",
    ),
    (
        "close_ntfs",
        "@close_file fltmgr!FltpPassThrough fltmgr!FltpLegacyProcessingAfterPreCallbacksCompleted nt!IofCallDriver ntfs!NtfsFsdDispatch ntfs!NtfsFsdClose ntfs!NtfsCommonClose ntfs!NtfsTeardownStructures ntfs!NtfsTeardownFromLcb",
    ),
    ("worker", "nt!KiStartSystemThread nt!PspSystemThreadStartup nt!ExpWorkerThread"),
    ("dpc", "nt!KiIdleLoop nt!KiRetireDpcList nt!KiExecuteAllDpcs"),
    (
        "receive",
        "@dpc tcpip!FlReceiveNetBufferListChain nt!KeExpandKernelStackAndCalloutEx tcpip!FlReceiveNetBufferListChainCalloutRoutine tcpip!FlpReceiveNonPreValidatedNetBufferListChain tcpip!IpFlcReceivePackets tcpip!IppReceiveHeaderBatch tcpip!IppDeliverListToProtocol tcpip!TcpReceive tcpip!TcpMatchReceive",
    ),
    ("create_object", "nt!ObCreateObjectEx nt!ObpAllocateObject nt!ExAllocatePoolWithTag"),
    (
        "delete_object",
        "@close nt!ObfDereferenceObjectWithTag nt!ObpRemoveObjectRoutine nt!ObpFreeObject nt!ExFreePoolWithTag",
    ),
    (
        "tray",
        "@shell explorer!CTray_MainThreadProc explorer!CTray_MessageLoop user32!DispatchMessageW user32!DispatchMessageWorker user32!UserCallWinProcCheckWow explorer!CTaskBand_v_WndProc",
    ),
    (
        "dialog",
        "notmyfault!WinMainCRTStartup notmyfault!WinMain user32!DialogBoxParamW user32!DialogBoxIndirectParamAorW user32!InternalDialogBox user32!DialogBox2 user32!IsDialogMessageW user32!DispatchMessageW user32!DispatchMessageWorker user32!UserCallDlgProcCheckWow notmyfault!MainDialogProc notmyfault!LeakTabProc",
    ),
    ("leak_user", "@thread @dialog notmyfault!LeakNonpagedPool kernelbase!DeviceIoControl ntdll!NtDeviceIoControlFile"),
];

/// One use of a tag: process, call paths, sizes and lifetimes.
pub(super) struct TagUse {
    pub tag: &'static [u8; 4],
    pub pool_type: u32,
    pub sizes: &'static [u64],
    /// Relative frequency among the active uses.
    pub weight: f64,
    pub behaviour: AllocationPattern,
    /// Time range in which it allocates, as fractions of the duration.
    pub window: (f64, f64),
    pub process: &'static str,
    pub one_thread: bool,
    pub preexisting: bool,
    pub alloc: &'static str,
    pub free: &'static str,
}

const PAGED: u32 = 0x001;
const NONPAGED: u32 = 0x000;
const NONPAGED_NX: u32 = 0x200;
const SESSION_PAGED: u32 = 0x021;
const ALWAYS: (f64, f64) = (0.0, 1.0);

const fn lives(mean_s: f64) -> AllocationPattern {
    AllocationPattern::Transient { mean_s }
}

/// An ordinary use during the whole trace.
const fn line(
    (tag, pool_type, process): (&'static [u8; 4], u32, &'static str),
    sizes: &'static [u64],
    (weight, mean_s): (f64, f64),
    alloc: &'static str,
    free: &'static str,
) -> TagUse {
    TagUse {
        tag,
        pool_type,
        sizes,
        weight,
        behaviour: lives(mean_s),
        window: ALWAYS,
        process,
        one_thread: false,
        preexisting: true,
        alloc,
        free,
    }
}

/// All uses: the leak, the cache, the burst, and ordinary ones.
pub(super) const TAG_USES: &[TagUse] = &[
    TagUse {
        behaviour: AllocationPattern::Leak { leaked_share: 1.0, mean_s: 0.0 },
        window: (0.08, 1.0),
        one_thread: true,
        preexisting: false,
        ..line(
            (b"Leak", NONPAGED, "NotMyfault.exe"),
            &[2_064],
            (38.0, 0.0),
            "@leak_user @ioctl nt!IopSynchronousServiceTail nt!IofCallDriver myfault!MyfaultDeviceControl nt!ExAllocatePoolWithTag",
            "@leak_user @ioctl nt!IopSynchronousServiceTail nt!IofCallDriver myfault!MyfaultDeviceControl nt!ExFreePoolWithTag",
        )
    },
    TagUse {
        behaviour: AllocationPattern::Plateau { level: 320 },
        preexisting: false,
        ..line(
            (b"Ntff", PAGED, "explorer.exe"),
            &[1_328],
            (7.0, 0.0),
            "@folder @open_user @open_ntfs ntfs!NtfsCreateFcb nt!ExAllocatePoolWithTag",
            "@folder @close_user @close_ntfs ntfs!NtfsDeleteFcb nt!ExFreePoolWithTag",
        )
    },
    TagUse {
        window: (0.44, 0.52),
        preexisting: false,
        ..line(
            (b"FMsl", PAGED, "MsMpEng.exe"),
            &[224, 224, 240],
            (110.0, 2.5),
            "@scan @open_user @open_flt fltmgr!FltpCreateStreamListCtrl nt!ExAllocatePoolWithTag",
            "@scan @close_user @close_file fltmgr!FltReleaseContext nt!ExFreePoolWithTag",
        )
    },
    line(
        (b"MmSt", PAGED, "MsMpEng.exe"),
        &[1_072, 2_128, 4_096, 8_192, 528],
        (5.0, 4.0),
        "@scan msmpeng!ScanStream msmpeng!ScanMappedFile kernelbase!MapViewOfFile kernelbase!MapViewOfFileEx ntdll!NtMapViewOfSection nt!KiSystemServiceCopyEnd nt!NtMapViewOfSection nt!MiMapViewOfSection nt!MiMapViewOfDataSection nt!ExAllocatePoolWithTag",
        "@worker nt!MiDeleteVad nt!ExFreePoolWithTag",
    ),
    line(
        (b"MmSt", PAGED, "System"),
        &[1_072, 4_096],
        (2.0, 6.0),
        "@worker nt!CcAsyncLazywriteWorker nt!MiCreateSection nt!ExAllocatePoolWithTag",
        "@worker nt!MiDeleteVad nt!ExFreePoolWithTag",
    ),
    line(
        (b"Ntfx", PAGED, "MsMpEng.exe"),
        &[352],
        (4.0, 1.5),
        "@scan @open_user @open_ntfs ntfs!NtfsOpenAttribute ntfs!NtfsCreateScb nt!ExAllocatePoolWithTag",
        "@scan @close_user @close_ntfs ntfs!NtfsDeleteScb nt!ExFreePoolWithTag",
    ),
    line(
        (b"FMfn", PAGED, "explorer.exe"),
        &[416, 528, 640],
        (4.0, 0.4),
        "@folder @open_user @open_flt fltmgr!FltGetFileNameInformation fltmgr!FltpGetFileNameInformation nt!ExAllocatePoolWithTag",
        "@folder @close_user @close_file fltmgr!FltReleaseContext nt!ExFreePoolWithTag",
    ),
    line(
        (b"File", NONPAGED_NX, "explorer.exe"),
        &[400],
        (5.0, 1.2),
        "@folder @open_user @open @create_object",
        "@folder @close_user @delete_object",
    ),
    line(
        (b"File", NONPAGED_NX, "MsMpEng.exe"),
        &[400],
        (3.0, 0.8),
        "@scan @open_user @open @create_object",
        "@scan @close_user @delete_object",
    ),
    line(
        (b"Irp ", NONPAGED_NX, "svchost.exe"),
        &[368, 512],
        (5.0, 0.003),
        "@socket @ioctl nt!IoAllocateIrp nt!ExAllocatePoolWithTag",
        "@socket @ioctl nt!IopSynchronousServiceTail nt!IofCompleteRequest nt!IoFreeIrp nt!ExFreePoolWithTag",
    ),
    line(
        (b"AfdB", NONPAGED_NX, "svchost.exe"),
        &[672, 1_440],
        (4.0, 0.02),
        "@socket @afd afd!AfdFastIoDeviceControl afd!AfdFastConnectionSend afd!AfdGetBuffer afd!AfdGetBufferWithMdl nt!ExAllocatePoolWithTag",
        "@socket @afd afd!AfdFastIoDeviceControl afd!AfdFastConnectionSend afd!AfdReturnBuffer nt!ExFreePoolWithTag",
    ),
    line(
        (b"TcpE", NONPAGED_NX, "svchost.exe"),
        &[832],
        (2.0, 9.0),
        "@socket @afd afd!AfdDispatchDeviceControl afd!AfdBind tcpip!TcpTlProviderEndpoint tcpip!TcpCreateEndpoint nt!ExAllocatePoolWithTag",
        "@socket @afd afd!AfdClose afd!AfdFreeEndpoint tcpip!TcpTlConnectionCloseEndpoint tcpip!TcpDereferenceTcb tcpip!TcpCleanupTcb nt!ExFreePoolWithTag",
    ),
    line(
        (b"NDis", NONPAGED_NX, "svchost.exe"),
        &[352, 352, 2_064],
        (3.0, 0.006),
        "@socket @afd afd!AfdFastIoDeviceControl afd!AfdFastConnectionSend afd!AfdTLStreamSend tcpip!TcpTlConnectionSend tcpip!TcpEnqueueTcbSend tcpip!TcpBeginTcbSend tcpip!TcpTcbSend netio!NetioAllocateAndReferenceNetBufferAndNetBufferList nt!ExAllocatePoolWithTag",
        "@dpc netio!NetioDereferenceNetBufferListChain netio!NetioFreeNetBufferAndNetBufferList nt!ExFreePoolWithTag",
    ),
    line(
        (b"NDis", NONPAGED_NX, "System"),
        &[352],
        (2.0, 0.004),
        "@receive tcpip!TcpTcbReceive tcpip!TcpTcbCarefulDatagram netio!NetioAllocateNetBuffer netio!NetioAllocateMdl nt!ExAllocatePoolWithTag",
        "@dpc netio!NetioDereferenceNetBufferListChain netio!NetioFreeMdl nt!ExFreePoolWithTag",
    ),
    line(
        (b"Even", NONPAGED_NX, "svchost.exe"),
        &[128],
        (3.0, 3.0),
        "@pooled svchost!ServiceRpcWorker kernelbase!CreateEventW ntdll!NtCreateEvent nt!KiSystemServiceCopyEnd nt!NtCreateEvent @create_object",
        "@pooled svchost!ServiceRpcWorker @close_user @delete_object",
    ),
    line(
        (b"Thre", NONPAGED_NX, "svchost.exe"),
        &[2_384],
        (1.0, 12.0),
        "@pooled ntdll!NtCreateThreadEx nt!KiSystemServiceCopyEnd nt!NtCreateThreadEx nt!PspCreateThread nt!PspAllocateThread @create_object",
        "@worker nt!ObfDereferenceObjectWithTag nt!ObpRemoveObjectRoutine nt!ObpFreeObject nt!ExFreePoolWithTag",
    ),
    line(
        (b"CM31", PAGED, "explorer.exe"),
        &[4_096, 288, 288],
        (2.0, 2.0),
        "@tray kernelbase!RegOpenKeyExW ntdll!NtOpenKeyEx nt!KiSystemServiceCopyEnd nt!NtOpenKeyEx nt!CmOpenKey nt!CmpParseKey nt!CmpCreateKeyControlBlock nt!CmpAllocatePoolWithTag nt!ExAllocatePoolWithTag",
        "@tray @close_user @close nt!CmpCallCallBacksEx nt!ExFreePoolWithTag",
    ),
    line(
        (b"Toke", PAGED, "svchost.exe"),
        &[1_456, 1_872],
        (1.5, 5.0),
        "@pooled svchost!ServiceRpcWorker ntdll!NtDuplicateToken nt!KiSystemServiceCopyEnd nt!NtDuplicateToken nt!SepDuplicateToken @create_object",
        "@pooled svchost!ServiceRpcWorker @close_user @delete_object",
    ),
    line(
        (b"Vad ", NONPAGED_NX, "MsMpEng.exe"),
        &[144],
        (3.0, 2.0),
        "@scan msmpeng!ScanStream ntdll!NtAllocateVirtualMemory nt!KiSystemServiceCopyEnd nt!NtAllocateVirtualMemory nt!MiAllocateVirtualMemory nt!MiAllocateVad nt!ExAllocatePoolWithTag",
        "@worker nt!MiDeleteVad nt!ExFreePoolWithTag",
    ),
    line(
        (b"AlMs", PAGED, "svchost.exe"),
        &[336, 432, 592],
        (3.0, 0.05),
        "@pooled svchost!ServiceRpcWorker ntdll!NtAlpcSendWaitReceivePort nt!KiSystemServiceCopyEnd nt!NtAlpcSendWaitReceivePort nt!AlpcpSendMessage nt!AlpcpAllocateBlob nt!ExAllocatePoolWithTag",
        "@pooled svchost!ServiceRpcWorker ntdll!NtAlpcSendWaitReceivePort nt!KiSystemServiceCopyEnd nt!NtAlpcSendWaitReceivePort nt!ExFreePoolWithTag",
    ),
    line(
        (b"Usqm", SESSION_PAGED, "explorer.exe"),
        &[160],
        (3.0, 0.03),
        "@tray nt!KiSystemServiceCopyEnd win32kfull!NtUserPostMessage win32kfull!PostMessageExtended win32kfull!AllocQEntry win32kfull!Win32AllocPoolImpl nt!ExAllocatePoolWithTag",
        "@tray nt!KiSystemServiceCopyEnd win32kfull!NtUserMessageCall win32kfull!Win32FreePoolImpl nt!ExFreePoolWithTag",
    ),
    line(
        (b"Gh05", SESSION_PAGED, "explorer.exe"),
        &[1_184, 9_216, 36_864],
        (1.0, 4.0),
        "@tray nt!KiSystemServiceCopyEnd win32kfull!NtGdiCreateCompatibleBitmap win32kfull!GreCreateCompatibleBitmap win32kfull!Win32AllocPoolImpl nt!ExAllocatePoolWithTag",
        "@tray nt!KiSystemServiceCopyEnd win32kfull!NtGdiDeleteObjectApp win32kfull!Win32FreePoolImpl nt!ExFreePoolWithTag",
    ),
    line(
        (b"CcSc", NONPAGED_NX, "System"),
        &[848],
        (2.0, 5.0),
        "@worker nt!IopProcessWorkItem nt!CcInitializeCacheMap nt!ExAllocatePoolWithTag",
        "@worker nt!CcAsyncLazywriteWorker nt!CcUninitializeCacheMap nt!ExFreePoolWithTag",
    ),
    line(
        (b"EtwB", NONPAGED_NX, "System"),
        &[65_536],
        (0.2, 8.0),
        "@worker nt!EtwpLogger nt!EtwpAllocateTraceBuffer nt!ExAllocatePoolWithTag",
        "@worker nt!EtwpLogger nt!ExFreePoolWithTag",
    ),
];
