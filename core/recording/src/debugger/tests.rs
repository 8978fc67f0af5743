//! Whole logs with planted operations. Their forms are those of the published outputs that the modules name; addresses, drivers and
//! figures are made up.

use super::*;

/// `kind tag bytes driver-function`, one line for each operation.
fn shown(log: &DebuggerLog) -> Vec<String> {
    let line = |operation: &PoolOperation| {
        let kind = match operation.kind {
            OperationKind::Allocation => "alloc",
            OperationKind::Free => "free",
        };
        let tag = operation.tag.map_or("-".to_owned(), |tag| String::from_utf8_lossy(&tag).into_owned());
        let bytes = operation.size_bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        let pool = operation.pool.map_or("-", Pool::name);
        let system = |frame: &&StackFrame| frame.module.as_deref().is_some_and(verifier::is_system_module);
        let caller = operation.frames.iter().find(|frame| !system(frame));
        let name = caller.map_or("-".to_owned(), |frame| {
            format!("{}!{}", frame.module.as_deref().unwrap_or("?"), frame.function.as_deref().unwrap_or("?"))
        });
        format!("{kind} {tag} {bytes} {pool} {name}")
    };
    log.operations.iter().map(line).collect()
}

const VERIFIER_LOG: &str = "\
1: kd> !verifier 0x80

Log of recent kernel pool Allocate and Free operations.

There are up to 0x10000 entries in the log.

Parsing 0x0000000000010000 log entries, searching for address 0x0000000000000000.


======================================================================
Pool block ffffa50b4a1f2fc0, Size 0000000000000040, Thread ffffa50b41c97080
fffff8053c5b1a11 nt!VfAllocPoolNotification+0x31
fffff8053c5a9d2e nt!VeAllocatePoolWithTagPriority+0x2d2
fffff8053c5a8c4d nt!VerifierExAllocatePoolWithTag+0x4d
fffff80545e712a4 spindle!SpnQueueWork+0x44
fffff80545e71f10 spindle!SpnDispatchWrite+0x90
fffff8053c02b8a5 nt!IofCallDriver+0x55
======================================================================
Pool block ffffa50b4a1f0fd0, Size 0000000000000030, Thread ffffa50b41c97080
fffff8053c5b1b44 nt!VfFreePoolNotification+0x54
fffff8053c2b7019 nt!ExFreeHeapPool+0x1b9
fffff8053c5a8ee1 nt!VerifierExFreePoolWithTag+0x41
fffff80545e712f0 spindle!SpnCompleteWork+0x20
fffff8053c02b8a5 nt!IofCallDriver+0x55
======================================================================
Pool block ffffa50b4a1f0fd0, Size 000000000000002c, Thread ffffa50b41c97080
fffff8053c5b1a11 nt!VfAllocPoolNotification+0x31
fffff8053c5a8c4d nt!VerifierExAllocatePoolWithTag+0x4d
fffff80545e712a4 spindle!SpnQueueWork+0x44
fffff8053c02b8a5 nt!IofCallDriver+0x55
======================================================================
Pool block ffffa50b4a1eefb0, Size 0000000000000050, Thread ffffa50b41c97080
fffff8053c5b1b44 nt!VfFreePoolNotification+0x54
fffff8053c2b7019 nt!ExFreeHeapPool+0x1b9
fffff80545e712f0 spindle!SpnCompleteWork+0x20
1: kd> g
";

#[test]
fn the_log_of_driver_verifier_is_read_from_its_end() {
    let log = parse(VERIFIER_LOG.as_bytes()).expect("operations");
    let wanted = [
        "free - 80 - spindle!SpnCompleteWork",
        "alloc - 44 - spindle!SpnQueueWork",
        "free - 48 - spindle!SpnCompleteWork",
        "alloc - 64 - spindle!SpnQueueWork",
    ];
    assert_eq!(shown(&log), wanted);
    assert_eq!((log.pointer_bytes, log.undetermined_count), (8, 0));
    assert_eq!(log.operations[3].address, Some(0xffff_a50b_4a1f_2fc0));
    let frames: Vec<Option<u64>> = log.operations[3].frames.iter().map(|frame| frame.address).collect();
    assert_eq!(frames[3], Some(0xffff_f805_45e7_12a4));
    // Grave accents, prompts of other forms, carriage returns, UTF-16, quotation marks and time stamps change nothing.
    let accented = VERIFIER_LOG.replace("ffffa50b4a1f", "ffffa50b`4a1f").replace("fffff8053c", "fffff805`3c");
    let local = VERIFIER_LOG.replace("1: kd>", "lkd>");
    let wide: Vec<u8> = format!("\u{feff}{VERIFIER_LOG}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let stamped = VERIFIER_LOG.lines().map(|line| format!("[10:15:32.001] {line}\r\n")).collect::<String>();
    let quoted = VERIFIER_LOG.lines().map(|line| format!("> {line}\n")).collect::<String>();
    let spaced = VERIFIER_LOG.replace('\n', "\n\n");
    for bytes in
        [accented.as_bytes(), local.as_bytes(), &wide, stamped.as_bytes(), quoted.as_bytes(), spaced.as_bytes()]
    {
        assert_eq!(shown(&parse(bytes).expect("operations")), wanted, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_printed_again_counts_once() {
    let again = "1: kd> !verifier 0x80 0xffffa50b4a1f0fd0\n";
    let entries: Vec<&str> =
        VERIFIER_LOG.split("======================================================================\n").collect();
    let text = format!("{VERIFIER_LOG}{again}{}{}", entries[2], entries[3]);
    assert_eq!(parse(text.as_bytes()).expect("operations").operations.len(), 4);
    // After the target ran, what is new is added: the block was allocated once more.
    let newer = entries[3].replace("2c, Thread", "28, Thread");
    let text = format!("{VERIFIER_LOG}{again}{newer}{}{}", entries[2], entries[3]);
    let log = parse(text.as_bytes()).expect("operations");
    assert_eq!(shown(&log).last().map(String::as_str), Some("alloc - 40 - spindle!SpnQueueWork"));
    assert_eq!(log.operations.len(), 5);
}

#[test]
fn frees_of_old_systems_begin_at_their_caller() {
    let text = "0: kd> !verifier 80 a2b1cf20\n# Parsing 00004000 array entries, searching for address a2b1cf20.\n\n\
        Pool block a2b1ce98, Size 00000168, Thread a2b1ce98\n808f1be6 net!netReturn+0x39\n808f11c1 net!netDone+0x47\n\n\
        Pool block a2b1ce98, Size 00000164, Thread a2b1ce98\n822af87f nt!VerifierExAllocatePoolWithTagPriority+0x5d\n808f1c88 net!netTake+0x1d\n";
    let log = parse(text.as_bytes()).expect("operations");
    assert_eq!(shown(&log), ["alloc - 356 - net!netTake", "free - 360 - net!netReturn"]);
    assert_eq!(log.pointer_bytes, 4);
    // Without symbols of the kernel the kind cannot be told.
    let bare = text.replace("nt!VerifierExAllocatePoolWithTagPriority+0x5d", "").replace("net!netReturn+0x39", "");
    assert_eq!(parse(bare.as_bytes()), Err(DebuggerLogError::NothingTracked));
}

const LIST: &str = "\
0: kd> !verifier 3 spindle.sys

Verify Flags Level 0x00000008

  STANDARD FLAGS:
    [X] (0x00000000) Automatic Checks
    [X] (0x00000008) Pool tracking

Summary of All Verifier Statistics

  Pool Allocations Attempted             0x2db1a
  Current paged pool allocations         0x0 for 00000000 bytes
  Current nonpaged pool allocations      0x3 for 00001058 bytes

Driver Verification List
------------------------

nt!_VF_TARGET_DRIVER 0xffffa50b43bb1e10: spindle.sys (Loaded)

    Pool Allocation Statistics: ( NonPagedPool / PagedPool )

      Current Pool Allocations: ( 0x00000003 / 0x00000000 )
      Current Pool Bytes:       ( 0x00001058 / 0x00000000 )
      Peak Pool Allocations:    ( 0x0000006f / 0x00000001 )

    Pool Allocations:

      Address             Length      Tag   Caller Address
      ------------------  ----------  ----  ------------------
      0xffffa50b4a1f2fc0  0x00000040  SpnW  0xfffff80545e712a4  spindle!SpnQueueWork+0x44
      0xffffa50b4a5d1000  0x00001008  Spn   0xfffff80545e71687  spindle!SpnOpen+0x27
      0xffffa50b4a5d3fd0  0x00000010  Vfwi  0xfffff80545e716ed
";

#[test]
fn lists_add_tags_and_allocations() {
    let log = parse(LIST.as_bytes()).expect("allocations");
    let wanted = [
        "alloc SpnW 64 NonPaged spindle!SpnQueueWork",
        "alloc Spn  4104 NonPaged spindle!SpnOpen",
        "alloc Vfwi 16 NonPaged ?!?",
    ];
    assert_eq!(shown(&log), wanted);
    assert_eq!((log.drivers.as_slice(), log.cut_lists.len()), (["spindle.sys".to_owned()].as_slice(), 0));
    // The same block in the log of operations is one allocation.
    let log = parse(format!("{VERIFIER_LOG}{LIST}").as_bytes()).expect("operations");
    let shown = shown(&log);
    assert_eq!(shown[3], "alloc SpnW 64 NonPaged spindle!SpnQueueWork");
    assert_eq!((shown.len(), shown[4].as_str()), (6, "alloc Spn  4104 NonPaged spindle!SpnOpen"));
    // A list that was interrupted.
    let cut: String = LIST.lines().filter(|line| !line.contains("Vfwi")).map(|line| format!("{line}\n")).collect();
    let cut = parse(cut.as_bytes()).expect("allocations");
    assert_eq!(
        cut.cut_lists.iter().map(|list| (list.driver.as_str(), list.missing_count())).collect::<Vec<_>>(),
        [("spindle.sys", 1)]
    );
}

#[test]
fn a_later_list_shows_what_was_freed() {
    let later: String = LIST.lines().filter(|line| !line.contains("SpnOpen")).map(|line| format!("{line}\n")).collect();
    let log = parse(format!("{LIST}0: kd> g\n{later}").as_bytes()).expect("allocations");
    assert_eq!(shown(&log).last().map(String::as_str), Some("free Spn  4104 NonPaged -"));
    assert_eq!(log.operations.len(), 4);
}

#[test]
fn the_list_of_windows_7_parses() {
    let text = "2: kd> !verifier 0xf\n\nVerify Level 9bb ... enabled options are:\n    Special pool\n\nDriver Verification List\n\n\
        Entry     State           NonPagedPool   PagedPool   Module\n\n\
        fffffa8003b6f670 Loaded           000000a0       00000854    oldport.sys\n\n\
        Current Pool Allocations  00000002    00000000\nCurrent Pool Bytes        000000a0    00000000\n\n\
        PoolAddress  SizeInBytes    Tag       CallersAddress\n\
        fffff9800157efc0     0x0000003c     Oprt      fffff88002c62963\n\
        fffff980015bafe0     0x00000018     Oprt      fffff88002c628f7\n\n\
        Thread:             fffff80002bf8c40\nOld irql:           0000000000000002\n\n    fffff8800420f2ca USBPORT!Timer+0x9a\n";
    let log = parse(text.as_bytes()).expect("allocations");
    assert_eq!(shown(&log), ["alloc Oprt 60 NonPaged ?!?", "alloc Oprt 24 NonPaged ?!?"]);
}

const HITS_32: &str = "\
1: kd> ed nt!PoolHitTag 'dcba'
1: kd> g
Break instruction exception - code 80000003 (first chance)
nt!ExAllocatePoolWithTag+0x881:
82b2f88c int     3
1: kd> kvn
 # ChildEBP RetAddr  Args to Child
00 8772d834 82ab06b1 000000c1 00000070 64636261 nt!ExAllocatePoolWithTag+0x881
01 8772d85c a04c3057 00000001 0000006c 64636261 nt!VerifierExAllocatePoolWithTag+0x1e
02 8772d9d8 82bd22e6 86a220d0 86a40000 00000000 spindle!DriverEntry+0x27 (FPO: [Non-Fpo]) (CONV: stdcall) [j:\\src\\spindle.cpp @ 16]
03 8772dc50 00000000 00000001 00000000 00000000 nt!PspSystemThreadStartup+0x9e
1: kd> k
ChildEBP RetAddr
8772d834 82ab06b1 nt!ExAllocatePoolWithTag+0x881
8772d85c a04c3057 nt!VerifierExAllocatePoolWithTag+0x1e
1: kd> g
Breakpoint 1 hit
spindle!DriverEntry+0x2c:
a04c305c cmp     dword ptr [spindle!g_path+0x4 (a04c500c)],0
1: kd> r @eax
eax=91c26130
1: kd> g
Break instruction exception - code 80000003 (first chance)
nt!ExAllocatePoolWithTag+0x881:
82b2f88c int     3
1: kd> g
Break instruction exception - code 80000003 (first chance)
nt!ExFreePoolWithTag+0x649:
82b30104 int     3
0: kd> kb
ChildEBP RetAddr  Args to Child
8772dba0 82d40f90 91c26130 64636261 a0a4f900 nt!ExFreePoolWithTag+0x649
8772dbb4 a04c3014 91c26130 64636261 8772dc00 nt!VerifierExFreePoolWithTag+0x30
8772dbc4 82bd5d46 86a220d0 a0a4f900 84efcd48 spindle!SpnUnload+0x14
0: kd> g
";

#[test]
fn breaks_on_32_bit_windows_show_block_size_and_tag() {
    let log = parse(HITS_32.as_bytes()).expect("operations");
    assert_eq!(shown(&log), ["alloc abcd 112 Paged spindle!DriverEntry", "free abcd - - spindle!SpnUnload"]);
    let addresses: Vec<Option<u64>> = log.operations.iter().map(|operation| operation.address).collect();
    assert_eq!(addresses, [Some(0x91c2_6130), Some(0x91c2_6130)]);
    let processors: Vec<Option<u16>> = log.operations.iter().map(|operation| operation.processor).collect();
    assert_eq!((processors, log.breaks_without_stack, log.pointer_bytes), (vec![Some(1), Some(0)], 1, 4));
    let frame = &log.operations[0].frames[2];
    assert_eq!(
        (frame.address, frame.source.clone()),
        (Some(0xa04c_3057), Some(("j:\\src\\spindle.cpp".to_owned(), 16)))
    );
}

const HIT_64: &str = "\
Break instruction exception - code 80000003 (first chance)
nt!ExAllocateHeapPool+0x1b1381:
fffff802`441b51c4 cc              int     3
3: kd> k
 # Child-SP          RetAddr           Call Site
00 ffffef85`756fed10 fffff802`441b51c4 nt!ExAllocateHeapPool+0x1b1381
01 ffffef85`756fee50 fffff802`43e9502c nt!ExAllocatePoolWithTag+0x64
02 ffffef85`756feea0 fffff802`43d83204 spindle!SpnQuery+0xdc
03 (Inline Function) --------`--------     spindle!SpnSmall+0x3
04 ffffef85`756fefd0 fffff802`44112a29 spindle!SpnDispatch+0x10
3: kd> g
";

#[test]
fn breaks_on_64_bit_windows_have_no_size() {
    let prefix = "3: kd> ed nt!PoolHitTag 6e6e7053\n3: kd> dc nt!PoolHitTag l1\nfffff802`445530fc  576e7053                             SpnW\n3: kd> g\n";
    let log = parse(format!("{prefix}{HIT_64}{HIT_64}").as_bytes()).expect("operations");
    assert_eq!(shown(&log), ["alloc SpnW - - spindle!SpnQuery", "alloc SpnW - - spindle!SpnQuery"]);
    let addresses: Vec<Option<u64>> = log.operations[0].frames.iter().map(|frame| frame.address).collect();
    let shared = Some(0xffff_f802_43d8_3204);
    assert_eq!(addresses, [None, Some(0xffff_f802_441b_51c4), Some(0xffff_f802_43e9_502c), shared, shared]);
    // A script that prints the returned register before each stack.
    let script = format!(
        "---------\n>>malloc\nrax=ffffa50b4a1f2fc0\n<<\n+\n{}",
        HIT_64.replace("3: kd> k\n", "").replace("3: kd> g\n", "")
    );
    let log = parse(format!("{prefix}{script}{script}").as_bytes()).expect("operations");
    assert_eq!(
        log.operations.iter().map(|operation| operation.address).collect::<Vec<_>>(),
        [Some(0xffff_a50b_4a1f_2fc0); 2]
    );
}

#[test]
fn pool_describes_the_block_of_a_break() {
    let free = HIT_64
        .replace("ExAllocateHeapPool+0x1b1381", "ExFreeHeapPool+0x3a1")
        .replace("ExAllocatePoolWithTag", "ExFreePoolWithTag");
    let pool = "3: kd> !pool rcx 2\nPool page ffffa50b4a1f2fc0 region is Nonpaged pool\n*ffffa50b4a1f2fb0 size:   50 previous size:    0  (Allocated) *SpnW\n\t\tOwning component : Unknown (update pooltag.txt)\n3: kd> g\n";
    let text = free.replace("3: kd> g\n", pool);
    let log = parse(text.as_bytes()).expect("operations");
    assert_eq!(shown(&log), ["free SpnW 80 NonPaged spindle!SpnQuery"]);
    assert_eq!(log.operations[0].address, Some(0xffff_a50b_4a1f_2fc0));
}

#[test]
fn broken_lines_are_joined() {
    let text = VERIFIER_LOG.replace(", Thread ffffa50b41c97080", ", Thread\nffffa50b41c97080").replace(
        "fffff8053c5a9d2e nt!VeAllocatePoolWithTagPriority+0x2d2",
        "fffff8053c5a9d2e nt!VeAllocatePoolWithTagPriorityAndAVeryLong\nName+0x2d2",
    );
    let log = parse(text.as_bytes()).expect("operations");
    assert_eq!(log.operations.len(), 4);
    assert_eq!(log.operations[3].frames.len(), 6);
    assert_eq!(log.operations[3].frames[1].function.as_deref(), Some("VeAllocatePoolWithTagPriorityAndAVeryLongName"));
    let text = HITS_32.replace("00000070 64636261 nt!", "00000070\n64636261 nt!");
    assert_eq!(shown(&parse(text.as_bytes()).expect("operations"))[0], "alloc abcd 112 Paged spindle!DriverEntry");
}

#[test]
fn stacks_of_crashes_are_no_operations() {
    let text = "1: kd> !analyze -v\n*                        Bugcheck Analysis                                    *\nSTACK_TEXT:\n\
        826fb38c 82aed083 00000003 5b16ea6a 00000065 nt!ExFreePoolWithTag+0x1\n1: kd> kb\n # ChildEBP RetAddr  Args to Child\n\
        00 826fb38c 82aed083 00000003 5b16ea6a 00000065 nt!RtlpBreakWithStatusInstruction\n\
        01 826fb3dc 82aedb81 00000003 86a2d4f8 00000001 nt!KiBugCheckDebugBreak+0x1c\n\
        02 826fb7c0 82d44f03 000000c4 00000062 86a84ebc nt!ExFreePoolWithTag+0x1e\n";
    assert_eq!(parse(text.as_bytes()), Err(DebuggerLogError::CrashAnalysis));
}

#[test]
fn other_logs_are_refused_by_name() {
    let reason = |text: &str| parse(text.as_bytes()).expect_err("no operations");
    let page = "kd> !pool e1001050\n e1001000 size:   40 previous size:    0  (Allocated)  MmDT\n*e1001050 size:   10 previous size:   10  (Allocated) *ObDi\n";
    assert_eq!(reason(page), DebuggerLogError::OnePage);
    let find = "kd> !poolfind SeSd 0\nScanning large pool allocation table for Tag: SeSd (827d1000 : 827e9000)\n826fa130 size:   c0 previous size:   40  (Allocated) SeSd\n";
    assert_eq!(reason(find), DebuggerLogError::TagsOnly(DebuggerOutput::PoolFind));
    assert_eq!(reason("kd> !poolval e1001050\n"), DebuggerLogError::HeaderCheck);
    assert_eq!(reason("NonPagedPool Usage:    877   (    3508 Kb)\n"), DebuggerLogError::TagsOnly(DebuggerOutput::Vm));
    assert_eq!(reason("0: kd> !verifier\n\nVerify Flags Level 0x00000000\n"), DebuggerLogError::NothingTracked);
    assert_eq!(reason("0: kd> lm\nstart end module name\n"), DebuggerLogError::OtherOutput);
    assert_eq!(reason("Dear all,\nplease see below.\n"), DebuggerLogError::NotALog);
    assert_eq!(reason(""), DebuggerLogError::NotALog);
    for error in [DebuggerLogError::OnePage, DebuggerLogError::NothingTracked, DebuggerLogError::HeaderCheck] {
        assert!(!error.to_string().ends_with('.') && error.advice().ends_with('.'), "{error}");
    }
}

#[test]
fn damaged_logs_are_no_error() {
    let whole = format!("{VERIFIER_LOG}{LIST}{HITS_32}{HIT_64}");
    let full = parse(whole.as_bytes()).expect("operations").operations.len();
    for cut in (0..whole.len()).step_by(37) {
        let part = whole.get(..cut).unwrap_or_default();
        assert!(read_text(part).operations.len() <= full);
        let without: String =
            whole.bytes().enumerate().filter(|(at, _)| *at != cut).map(|(_, byte)| char::from(byte)).collect();
        assert!(read_text(&without).operations.len() <= full + 2);
    }
}
