//! Undecorates linker names: Visual C++, Rust, and the 32-bit calling conventions. A name that cannot be parsed is returned
//! unchanged. Names come from untrusted files, so time, memory and stack per name are bounded.

use msvc_demangler::DemangleFlags;
use std::borrow::Cow;

/// Maximum length of a name that is parsed; Visual C++ replaces longer names by a hash.
const NAME_BYTES_MAX: usize = 4096;
/// Names up to this length are parsed on the calling thread: measured, the C++ parser uses up to 1 KB of stack per character.
const SHALLOW_BYTES: usize = 512;
/// Stack of the thread that parses longer names, in bytes per character.
const STACK_PER_CHARACTER: usize = 2048;
/// Upper bound on the expansion factor of back references in a name.
const REPETITIONS_MAX: f64 = 10_000.0;

/// A function's name without decoration, arguments and return type: `shapes::Circle::area`, `operator new`,
/// `` `anonymous namespace'::f ``. `x86`: the image is 32-bit, where plain C names are decorated too.
#[must_use]
pub fn undecorate(name: &str, x86: bool) -> Cow<'_, str> {
    if name.len() > NAME_BYTES_MAX {
        return Cow::Borrowed(name);
    }
    let readable = if name.starts_with('?') { cpp(name) } else { rust(name, x86) };
    readable.map_or_else(|| Cow::Borrowed(convention(name, x86)), Cow::Owned)
}

fn cpp(name: &str) -> Option<String> {
    // `??@` names are hashes of longer names.
    if name.starts_with("??@") || repeats_too_often(name) {
        return None;
    }
    if name.len() <= SHALLOW_BYTES {
        return cpp_here(name);
    }
    let stack_bytes = name.len() * STACK_PER_CHARACTER;
    std::thread::scope(|scope| {
        let deep = std::thread::Builder::new().stack_size(stack_bytes).spawn_scoped(scope, || cpp_here(name));
        deep.ok()?.join().ok().flatten()
    })
}

fn cpp_here(name: &str) -> Option<String> {
    let flags = DemangleFlags::NAME_ONLY | DemangleFlags::NO_CLASS_TYPE | DemangleFlags::MS_TYPENAMES;
    msvc_demangler::demangle(name, flags).ok().filter(|readable| !readable.is_empty())
}

/// Returns `true` if back references could expand a name without bound: a digit repeats an earlier argument, arguments may be function
/// types with back references of their own, so the text multiplies with every level.
fn repeats_too_often(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_level = |pair: &[u8]| matches!(pair, [b'A'..=b'Z' | b'$', b'6' | b'8']);
    let levels = bytes.windows(2).filter(|pair| is_level(pair)).count();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if levels < 2 {
        return false;
    }
    // The worst case spreads the digits evenly over the levels.
    let levels = levels.min(digits) as f64;
    (digits as f64 / levels + 1.0).powf(levels) > REPETITIONS_MAX
}

fn rust(name: &str, x86: bool) -> Option<String> {
    // On 32-bit images every C name has one additional leading underscore.
    let bare = if x86 {
        name.strip_prefix('_').filter(|rest| rest.starts_with("_ZN") || rest.starts_with("_R"))
    } else {
        None
    };
    let bare = bare.unwrap_or(name);
    if !(bare.starts_with("_ZN") || bare.starts_with("_R")) {
        return None;
    }
    // The alternate format omits the hash.
    rustc_demangle::try_demangle(bare).ok().map(|readable| format!("{readable:#}"))
}

/// Removes calling-convention decoration: `_name@8`, `@name@8`, `_name` on 32-bit images, `name@@16` everywhere.
fn convention(name: &str, x86: bool) -> &str {
    if let Some(vector) = without_count(name, "@@") {
        return vector;
    }
    if !x86 {
        return name;
    }
    if let Some(fast) = name.strip_prefix('@') {
        return without_count(fast, "@").unwrap_or(name);
    }
    let Some(plain) = name.strip_prefix('_') else { return name };
    let plain = without_count(plain, "@").unwrap_or(plain);
    if plain.is_empty() { name } else { plain }
}

/// The part before `mark` and a trailing byte count.
fn without_count<'a>(name: &'a str, mark: &str) -> Option<&'a str> {
    let (before, count) = name.rsplit_once(mark)?;
    let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    (is_count && !before.is_empty() && !before.ends_with('@')).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_debuggers_show_them() {
        let cases = [
            ("?area@Circle@shapes@@QEBA_K_K@Z", "shapes::Circle::area"),
            ("??2@YAPEAX_K@Z", "operator new"),
            ("??0Circle@shapes@@QEAA@_K@Z", "shapes::Circle::Circle"),
            ("??1Circle@shapes@@QEAA@XZ", "shapes::Circle::~Circle"),
            ("??BCircle@shapes@@QEBA_KXZ", "shapes::Circle::operator unsigned __int64"),
            ("??YCircle@shapes@@QEAAAEAV01@AEBV01@@Z", "shapes::Circle::operator+="),
            ("?put@?$Box@H$03@shapes@@QEAAHH@Z", "shapes::Box<int,4>::put"),
            (
                "?put@?$Box@PEAV?$Box@D$00@shapes@@$01@shapes@@QEAAPEAV?$Box@D$00@2@PEAV32@@Z",
                "shapes::Box<shapes::Box<char,1> *,2>::put",
            ),
            ("?hidden@?A0x12345678@shapes@@YA_K_K@Z", "shapes::`anonymous namespace'::hidden"),
            ("??_GFoo@@UEAAPEAXI@Z", "Foo::`scalar deleting destructor'"),
            ("_ZN8roadster4pool8allocate17h0123456789abcdefE", "roadster::pool::allocate"),
            ("_RNvNtCs1234_8roadster4pool7release", "roadster::pool::release"),
            ("PlainC", "PlainC"),
            ("_underscored", "_underscored"),
            ("name@@16", "name"),
            ("System.IO.File.InternalExists(System.String)", "System.IO.File.InternalExists(System.String)"),
        ];
        for (raw, readable) in cases {
            assert_eq!(undecorate(raw, false), readable);
        }
    }

    #[test]
    fn calling_conventions_come_off_on_32_bit_images_only() {
        let cases = [
            ("_OldStandard@8", "OldStandard"),
            ("@OldFast@8", "OldFast"),
            ("_OldPlain", "OldPlain"),
            ("__underscored", "_underscored"),
            ("vector@@32", "vector"),
            ("__ZN8roadster4pool8allocate17h0123456789abcdefE", "roadster::pool::allocate"),
            ("@", "@"),
            ("_", "_"),
            ("_@8", "@8"),
            ("@odd", "@odd"),
            ("plain@x", "plain@x"),
        ];
        for (raw, readable) in cases {
            assert_eq!(undecorate(raw, true), readable, "{raw}");
        }
        assert_eq!(undecorate("_OldStandard@8", false), "_OldStandard@8");
        assert_eq!(undecorate("@OldFast@8", false), "@OldFast@8");
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        for raw in ["", "?", "??", "?f@@$$FYAXXZ", "??@0123456789abcdef0123456789abcdef@", "_ZN", "_R"] {
            assert_eq!(undecorate(raw, false), raw);
        }
    }

    /// Each of these once crashed the process, or took seconds and gigabytes.
    #[test]
    fn hostile_names_cost_little() {
        let deep = (NAME_BYTES_MAX - 16) / 6;
        let hostile = [
            format!("?f@@YAX{}HZ", "PA".repeat(deep * 3)),
            format!("?f@@YAX{}XZ{}@Z", "P6AX".repeat(deep), "@Z".repeat(deep)),
            format!("?x@@3{}HA", "V?$a@".repeat(deep)),
            format!("{}f@@YAXXZ", "?$a@".repeat(deep)),
            format!("?{}", "?0?".repeat(deep)),
            "?".repeat(NAME_BYTES_MAX),
            format!("_RN{}", "Nv".repeat(deep * 2)),
        ];
        // Workers have at least 2 MB of stack; half of it must be enough.
        let reader = std::thread::Builder::new().stack_size(1 << 20);
        let read = move || hostile.iter().map(|name| undecorate(name, false).len()).max();
        assert!(reader.spawn(read).unwrap().join().unwrap().is_some());

        let mut bomb = "?f@@YAXPA_K".to_owned();
        for level in 0..9 {
            bomb.push_str("P6AX");
            bomb.push_str(&level.to_string().repeat(10));
            bomb.push_str("@Z");
        }
        bomb.push_str("@Z");
        assert_eq!(undecorate(&bomb, false), bomb);
    }
}
