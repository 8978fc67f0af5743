//! Draws random entities from the seed: common modules, processes, tags and stacks.

use super::entities::{
    AllocationPattern, Entities, ImageEntity, PoolClass, ProcessEntity, StackId, StackPath, TagEntity, ThreadEntity,
};
use super::{SynthParams, addresses, leak_shapes, samples};
use crate::rng::Rng;
use crate::writer::{Guid, Width};

/// Drivers: file, size in bytes.
const DRIVERS: [(&str, u64); 14] = [
    ("ntoskrnl.exe", 0x0104_6000),
    ("hal.dll", 0x0000_6000),
    ("ntfs.sys", 0x002D_8000),
    ("fltmgr.sys", 0x0007_4000),
    ("tcpip.sys", 0x002F_6000),
    ("ndis.sys", 0x0017_F000),
    ("afd.sys", 0x000A_7000),
    ("netio.sys", 0x0009_8000),
    ("http.sys", 0x0018_C000),
    ("storport.sys", 0x000B_3000),
    ("win32kbase.sys", 0x002C_C000),
    ("win32kfull.sys", 0x003B_2000),
    ("srv2.sys", 0x000D_1000),
    ("myfault.sys", 0x0000_8000),
];

/// User-mode libraries: file, size in bytes.
const LIBRARIES: [(&str, u64); 4] = [
    ("ntdll.dll", 0x001F_5000),
    ("kernel32.dll", 0x000B_D000),
    ("KernelBase.dll", 0x002C_9000),
    ("ws2_32.dll", 0x0006_B000),
];

const PROGRAMS: [&str; 9] = [
    "svchost.exe",
    "lsass.exe",
    "explorer.exe",
    "NotMyfault.exe",
    "sqlservr.exe",
    "MsMpEng.exe",
    "chrome.exe",
    "w3wp.exe",
    "backup.exe",
];

const TAG_NAMES: [&[u8; 4]; 20] = [
    b"MmSt", b"Ntff", b"FMfn", b"Thre", b"File", b"Irp ", b"Even", b"TcpE", b"NDis", b"AfdB", b"Ntfx", b"CcSc",
    b"Proc", b"Key ", b"Toke", b"Gla1", b"Usqm", b"Vad ", b"Ob\x01b", b"Sem\0",
];

/// File version of all images.
pub(crate) const FILE_VERSION: &str = "10.0.19041.1";

const SYSTEM_PID: u32 = 4;

/// Draws the entities for `params`.
pub(super) fn draw_entities(params: &SynthParams, rng: &mut Rng) -> Entities {
    let mut entities = Entities::default();
    add_processes(&mut entities, params);
    add_images(&mut entities, params);
    let functions = draw_functions(&entities, rng);
    add_user_stacks(&mut entities, &functions, rng);
    add_tags(&mut entities, params, rng);
    add_kernel_stacks(&mut entities, params, &functions, rng);
    // Last, so that the other entities do not depend on them.
    leak_shapes::add_handles(&mut entities, params, &functions, rng);
    leak_shapes::add_lockstep(&mut entities, params, &functions, rng);
    samples::add_samples(&mut entities, params, &functions, rng);
    entities.volumes = vec![
        ("\\SystemRoot\\".to_owned(), "C:\\Windows\\".to_owned()),
        ("\\Device\\HarddiskVolume3\\".to_owned(), "C:\\".to_owned()),
    ];
    entities
}

fn add_processes(entities: &mut Entities, params: &SynthParams) {
    for index in 0..params.processes as usize {
        let system = index == 0;
        let program = PROGRAMS[index.saturating_sub(1) % PROGRAMS.len()];
        entities.processes.push(ProcessEntity {
            pid: if system { SYSTEM_PID } else { 400 + 132 * index as u32 },
            parent: if system { 0 } else { SYSTEM_PID },
            session: if system { 0 } else { 1 + index as u32 % 2 },
            image: if system { "System" } else { program }.to_owned(),
            command_line: if system { String::new() } else { format!("C:\\Windows\\System32\\{program} -k {index}") },
            starts_at: if index > 2 && index + 1 == params.processes as usize { 0.1 } else { 0.0 },
            user_stacks: Vec::new(),
        });
    }
    for index in 0..params.threads as usize {
        entities
            .threads
            .push(ThreadEntity { tid: 2_000 + 4 * index as u32, process: index % entities.processes.len() });
    }
}

fn add_images(entities: &mut Entities, params: &SynthParams) {
    let mut addresses = addresses::ModuleAddresses::new(params.width);
    for (file, size) in DRIVERS {
        let path = match file {
            "ntoskrnl.exe" | "hal.dll" => format!("\\SystemRoot\\system32\\{file}"),
            _ => format!("\\SystemRoot\\System32\\drivers\\{file}"),
        };
        let base = addresses.driver(size);
        entities.images.push(image(None, base, size, path, file));
    }
    let shared: Vec<u64> = LIBRARIES.iter().map(|(_, size)| addresses.library(*size)).collect();
    for process in 1..entities.processes.len() {
        let program = entities.processes[process].image.clone();
        let path = format!("\\Device\\HarddiskVolume3\\Windows\\System32\\{program}");
        let size = 0x0002_4000;
        let base = addresses.program();
        entities.images.push(image(Some(process), base, size, path, &program));
        for ((file, size), base) in LIBRARIES.into_iter().zip(&shared) {
            let path = format!("\\Device\\HarddiskVolume3\\Windows\\System32\\{file}");
            entities.images.push(image(Some(process), *base, size, path, file));
        }
    }
}

fn image(process: Option<usize>, base: u64, size: u64, path: String, file: &str) -> ImageEntity {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    // All processes load the same file.
    let mut of_file = Rng::new(file.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(257) + u64::from(byte)));
    let guid = Guid::new(u128::from(of_file.next_u64()) << 64 | u128::from(of_file.next_u64()));
    ImageEntity {
        process,
        loaded_with: process,
        base,
        size,
        checksum: of_file.below(1 << 20) as u32,
        timestamp: of_file.between(0x4000_0000, 0x6FFF_FFFF) as u32,
        path,
        file: file.to_owned(),
        version: FILE_VERSION.to_owned(),
        pdb: if file == "ntoskrnl.exe" { "ntkrnlmp.pdb".to_owned() } else { format!("{stem}.pdb") },
        guid,
        age: of_file.between(1, 3) as u32,
    }
}

/// Addresses of functions by image.
fn draw_functions(entities: &Entities, rng: &mut Rng) -> Vec<Vec<u64>> {
    let of_image = |image: &ImageEntity, rng: &mut Rng| {
        let functions = 60;
        (0..functions).map(|_| image.base + 0x1000 + (rng.below(image.size - 0x1400) & !0xF)).collect()
    };
    entities.images.iter().map(|image| of_image(image, rng)).collect()
}

/// A return address in a random function of the image.
fn frame(functions: &[u64], rng: &mut Rng) -> u64 {
    functions[rng.index(functions.len())] + 0x13 + rng.below(3) * 0x2A
}

fn add_user_stacks(entities: &mut Entities, functions: &[Vec<u64>], rng: &mut Rng) {
    for process in 1..entities.processes.len() {
        for _ in 0..12 {
            let frames = user_stack(entities, process, |rng| rng.between(1, 6), functions, rng);
            entities.processes[process].user_stacks.push(entities.stacks.len() as StackId);
            entities.stacks.push(frames);
        }
        let own = images_of(entities, process);
        // Too short for the stack cache.
        entities.processes[process].user_stacks.push(entities.stacks.len() as StackId);
        entities.stacks.push(vec![frame(&functions[own[1]], rng), frame(&functions[own[0]], rng)]);
    }
}

/// Images of a process: its program, ntdll, kernel32, KernelBase and ws2_32.
fn images_of(entities: &Entities, process: usize) -> Vec<usize> {
    (0..entities.images.len()).filter(|index| entities.images[*index].process == Some(process)).collect()
}

/// A user stack with a number of frames in functions of the program, innermost frame first: ntdll, KernelBase, the program,
/// kernel32, ntdll.
pub(super) fn user_stack(
    entities: &Entities,
    process: usize,
    frames: impl Fn(&mut Rng) -> u64,
    functions: &[Vec<u64>],
    rng: &mut Rng,
) -> Vec<u64> {
    let own = images_of(entities, process);
    let mut stack = vec![frame(&functions[own[1]], rng), frame(&functions[own[3]], rng)];
    stack.extend((0..frames(rng)).map(|_| frame(&functions[own[0]], rng)).collect::<Vec<u64>>());
    stack.push(functions[own[2]][0] + 0x14);
    stack.push(functions[own[1]][0] + 0x21);
    stack
}

fn add_tags(entities: &mut Entities, params: &SynthParams, rng: &mut Rng) {
    let mix = params.tags;
    let rest = (1.0 - params.leak_share).max(0.0);
    let groups = [
        (
            mix.leaking,
            params.leak_share,
            AllocationPattern::Leak { leaked_share: 0.9, mean_s: params.duration_s / 20.0 },
            (0.0, 1.0),
        ),
        (
            mix.slow_leaks,
            rest * 0.04,
            AllocationPattern::Leak { leaked_share: 0.03, mean_s: params.duration_s / 60.0 },
            (0.0, 1.0),
        ),
        (mix.plateau, rest * 0.08, AllocationPattern::Plateau { level: plateau_level(params) }, (0.0, 1.0)),
        (mix.burst, rest * 0.6, AllocationPattern::Transient { mean_s: params.duration_s / 40.0 }, (0.4, 0.5)),
        (mix.churning, rest * 0.48, AllocationPattern::Transient { mean_s: params.duration_s / 60_000.0 }, (0.0, 1.0)),
        (mix.ordinary, rest * 0.4, AllocationPattern::Transient { mean_s: params.duration_s / 40.0 }, (0.0, 1.0)),
    ];
    for (group, (count, weight, behaviour, window)) in groups.into_iter().enumerate() {
        for number in 0..count {
            let tag = tag_name(group, number as usize, entities.tags.len());
            let pool = draw_pool(group == 0 && number == 0, params, rng);
            entities.tags.push(TagEntity {
                tag,
                pattern: behaviour,
                weight: weight / f64::from(count),
                window,
                pool,
                sizes: draw_sizes(params.width, rng),
                threads: draw_threads(entities, pool, rng),
                alloc_stacks: Vec::new(),
                free_stacks: Vec::new(),
                preexisting: window.0 == 0.0,
            });
        }
    }
}

/// A tag that reaches its plateau in the first quarter of the trace.
fn plateau_level(params: &SynthParams) -> usize {
    let share = 0.08 / f64::from(params.tags.plateau.max(1));
    ((params.allocations as f64 * share / 4.0) as usize).clamp(10, 200_000)
}

fn tag_name(group: usize, number: usize, index: usize) -> [u8; 4] {
    const SPECIAL: [[u8; 4]; 4] = [*b"Leak", *b"Slow", *b"Cach", *b"Brst"];
    match (SPECIAL.get(group), number) {
        (Some(name), 0) => *name,
        (None, _) if index < TAG_NAMES.len() + 4 => *TAG_NAMES[index % TAG_NAMES.len()],
        _ => {
            let digit = |value: usize| b"0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
            [b"LSCBxy"[group.min(5)], digit(index / 1296), digit(index / 36), digit(index)]
        }
    }
}

fn draw_pool(nonpaged_nx: bool, params: &SynthParams, rng: &mut Rng) -> PoolClass {
    if nonpaged_nx {
        return PoolClass { pool_type: 0x200, session: false };
    }
    if rng.chance(params.session_share) {
        return PoolClass { pool_type: if rng.chance(0.7) { 0x21 } else { 0x220 }, session: true };
    }
    let pool_type = [0x200, 0x200, 0x200, 0x1, 0x1, 0x0, 0x204, 0x9][rng.index(8)];
    PoolClass { pool_type, session: false }
}

fn draw_threads(entities: &Entities, pool: PoolClass, rng: &mut Rng) -> Vec<usize> {
    let usable = |index: &usize| {
        let process = &entities.processes[entities.threads[*index].process];
        process.starts_at == 0.0 && (!pool.session || process.session > 0)
    };
    let all: Vec<usize> = (0..entities.threads.len()).filter(usable).collect();
    if rng.chance(0.5) { all } else { (0..4).map(|_| all[rng.index(all.len())]).collect() }
}

fn draw_sizes(width: Width, rng: &mut Rng) -> Vec<u64> {
    let grain = 2 * width.pointer_size() as u64;
    let mut sizes: Vec<u64> = (0..10).map(|_| grain * rng.between(2, 40)).collect();
    sizes.push(grain * rng.between(40, 4064 / grain));
    if rng.chance(0.5) {
        sizes.push(4096 * rng.between(1, 16));
    }
    sizes
}

fn add_kernel_stacks(entities: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    let drivers = DRIVERS.len();
    let per_tag = (params.distinct_stacks as usize / entities.tags.len().max(1)).max(1);
    for tag in 0..entities.tags.len() {
        let driver = 2 + tag % (drivers - 2);
        for (count, free) in [(per_tag, false), (per_tag.div_ceil(3), true)] {
            for _ in 0..count {
                let id = entities.stacks.len() as StackId;
                entities.stacks.push(kernel_stack(params.max_depth as usize, driver, free, functions, rng));
                let path = StackPath { kernel: id, user: None };
                let of_tag = &mut entities.tags[tag];
                if free { of_tag.free_stacks.push(path) } else { of_tag.alloc_stacks.push(path) }
            }
        }
    }
}

/// A kernel stack, innermost frame first: pool routine, driver, other frames, system call entry.
fn kernel_stack(depth: usize, driver: usize, free: bool, functions: &[Vec<u64>], rng: &mut Rng) -> Vec<u64> {
    let frames = if rng.chance(0.08) { 1 + rng.index(3) } else { 4 + rng.index(depth.max(5) - 4) };
    let mut stack = vec![functions[0][usize::from(free)] + 0x1B];
    let way_in = [functions[0][2] + 0x25, functions[0][3] + 0x8E];
    while stack.len() + way_in.len() < frames.min(depth) {
        let image = if stack.len() < 3 || rng.chance(0.4) { driver } else { rng.index(DRIVERS.len()) };
        stack.push(frame(&functions[image], rng));
    }
    stack.extend(way_in);
    stack.truncate(frames.min(depth));
    stack
}

/// Kernel stack of a CPU sample, innermost frame first: any functions, then the system call entry.
pub(super) fn sampled_kernel_stack(depth: usize, functions: &[Vec<u64>], rng: &mut Rng) -> Vec<u64> {
    let frames = (4 + rng.index(depth.max(5) - 4)).min(depth);
    let mut stack: Vec<u64> = (2..frames).map(|_| frame(&functions[rng.index(DRIVERS.len())], rng)).collect();
    stack.extend([functions[0][2] + 0x25, functions[0][3] + 0x8E]);
    stack.truncate(frames);
    stack
}
