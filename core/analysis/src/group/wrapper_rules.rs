//! Wrapper rules: the frames that are skipped in the search for the responsible one, by module and function. The built-in rules
//! are in `wrapper_rules.txt`, which describes their form; users can add rules. A function rule does not apply to a frame
//! without a function name.

use std::sync::{Arc, LazyLock};

/// The built-in rules.
const STANDARD: &str = include_str!("wrapper_rules.txt");
/// File names of the kernel.
const KERNEL_FILES: &[&str] = &["ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe", "ntkrla57.exe"];
/// File names of the hardware abstraction layer.
const HAL_FILES: &[&str] =
    &["hal.dll", "halacpi.dll", "halmacpi.dll", "halaacpi.dll", "halapic.dll", "halmps.dll", "halsp.dll"];
/// Form of a wrapper rule, for error messages.
const FORM: &str = "expected KIND MODULE or KIND MODULE!FUNCTION";
/// Form of a rule that marks frames, for error messages.
const MARK_FORM: &str = "expected KIND MODULE!FUNCTION, such as interrupt nt!KiInterruptDispatch*";

/// The role of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameRole {
    /// The recorder.
    Tracing,
    /// The kernel, the HAL, Driver Verifier.
    System,
    /// A wrapper, which allocates on behalf of others.
    Wrapper,
    /// A driver, which can be responsible.
    Driver,
}

/// Origin of a call that is not on behalf of the thread's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameMark {
    /// Interrupts and deferred procedure calls, which run in an arbitrary thread.
    Interrupt,
    /// Worker threads of the system.
    Worker,
}

/// Origin of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RuleOrigin {
    /// Built into the program.
    BuiltIn,
    /// Added by the user.
    #[default]
    User,
}

impl RuleOrigin {
    /// Name of the origin.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in rule",
            Self::User => "your rule",
        }
    }
}

/// A file name pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum ModulePattern {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Lower case, with wildcards.
    Like(String),
}

impl ModulePattern {
    fn new(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "nt" => Self::OneOf(KERNEL_FILES),
            "hal" => Self::OneOf(HAL_FILES),
            other => Self::Like(other.to_owned()),
        }
    }

    /// Returns `true` for the debugger's name of the kernel.
    fn is_alias(&self, name: &str) -> bool {
        matches!(self, Self::OneOf(names) if *names == KERNEL_FILES && name == "nt")
    }

    /// Returns `true` if it matches a file name in lower case, or a name without its ending, as debuggers show modules.
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::OneOf(names) => {
                names.iter().any(|known| *known == name || stem(known) == name) || self.is_alias(name)
            }
            Self::Like(pattern) => {
                is_like(pattern, name)
                    || (!pattern.contains('.') && is_like(pattern, stem(name)))
                    || (!name.contains('.') && is_like(stem(pattern), name))
            }
        }
    }
}

/// A file name without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A rule on the role of frames.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    role: FrameRole,
    module: ModulePattern,
    function: Option<String>,
    origin: RuleOrigin,
}

/// A rule that marks frames.
#[derive(Clone, PartialEq, Eq, Debug)]
struct MarkRule {
    mark: FrameMark,
    module: ModulePattern,
    function: String,
}

/// The rule of a line.
enum Line {
    Rule(Rule),
    Mark(MarkRule),
}

/// Error in a line of rules.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RuleError {
    /// Its number, from 1.
    pub line: usize,
    /// The mistake and the expected form.
    pub what: String,
}

/// Rules on frames; of those that match a frame, the last one applies.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WrapperRules {
    rules: Vec<Rule>,
    marks: Vec<MarkRule>,
}

impl WrapperRules {
    /// The built-in rules.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        static RULES: LazyLock<Arc<WrapperRules>> = LazyLock::new(|| {
            let mut standard = WrapperRules::default().extended_with(STANDARD).0;
            standard.rules.iter_mut().for_each(|rule| rule.origin = RuleOrigin::BuiltIn);
            Arc::new(standard)
        });
        Arc::clone(&RULES)
    }

    /// These rules followed by those of a text, and the errors of lines that are left out.
    #[must_use]
    pub fn extended_with(&self, text: &str) -> (Self, Vec<RuleError>) {
        let mut all = self.clone();
        let mut errors = Vec::new();
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            match parse_rule(line) {
                Ok(Some(Line::Rule(rule))) => all.rules.push(rule),
                Ok(Some(Line::Mark(mark))) => all.marks.push(mark),
                Ok(None) => {}
                Err(what) => errors.push(RuleError { line: at + 1, what }),
            }
        }
        (all, errors)
    }

    /// The rules for a module and its functions.
    #[must_use]
    pub fn of_module(&self, name: &str) -> ModuleRules<'_> {
        let name = name.to_ascii_lowercase();
        let fitting = self.rules.iter().filter(|rule| rule.module.fits(&name));
        let marks = self.marks.iter().filter(|mark| mark.module.fits(&name));
        ModuleRules { rules: fitting.collect(), marks: marks.collect() }
    }
}

/// The rules that apply to one module.
#[derive(Clone, Debug)]
pub struct ModuleRules<'r> {
    rules: Vec<&'r Rule>,
    marks: Vec<&'r MarkRule>,
}

impl ModuleRules<'_> {
    /// The role of the module as a whole; a driver if no rule applies.
    #[must_use]
    pub fn role(&self) -> FrameRole {
        let whole = self.rules.iter().rev().find(|rule| rule.function.is_none());
        whole.map_or(FrameRole::Driver, |rule| rule.role)
    }

    /// The role of a function of the module, by its undecorated name.
    #[must_use]
    pub fn role_of(&self, function: &str) -> FrameRole {
        let fits = |rule: &&&Rule| rule.function.as_ref().is_none_or(|pattern| is_like(pattern, function));
        self.rules.iter().rev().find(fits).map_or(FrameRole::Driver, |rule| rule.role)
    }

    /// Origin of the rule that applies to a function of the module, or to the module as a whole; `None` if no rule applies.
    #[must_use]
    pub fn origin_of(&self, function: Option<&str>) -> Option<RuleOrigin> {
        let fits = |rule: &&&Rule| match (&rule.function, function) {
            (None, _) => true,
            (Some(pattern), Some(function)) => is_like(pattern, function),
            (Some(_), None) => false,
        };
        self.rules.iter().rev().find(fits).map(|rule| rule.origin)
    }

    /// The mark of a function of the module, if a rule sets one.
    #[must_use]
    pub fn mark_of(&self, function: &str) -> Option<FrameMark> {
        self.marks.iter().rev().find(|mark| is_like(&mark.function, function)).map(|mark| mark.mark)
    }

    /// Returns `true` if a rule marks any function of the module.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }
}

/// Parses a rule; `None` for an empty line or a comment.
fn parse_rule(line: &str) -> Result<Option<Line>, String> {
    let is_comment = |at: &usize| *at == 0 || line.as_bytes().get(at - 1).is_some_and(u8::is_ascii_whitespace);
    let end = line.match_indices('#').map(|(at, _)| at).find(is_comment).unwrap_or(line.len());
    let text = line.get(..end).unwrap_or(line).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (kind, pattern) = text.split_once(char::is_whitespace).ok_or_else(|| format!("'{text}' alone: {FORM}"))?;
    let meaning = match kind {
        "tracing" => Ok(FrameRole::Tracing),
        "system" => Ok(FrameRole::System),
        "wrapper" => Ok(FrameRole::Wrapper),
        "driver" => Ok(FrameRole::Driver),
        "interrupt" => Err(FrameMark::Interrupt),
        "worker" => Err(FrameMark::Worker),
        other => return Err(format!("'{other}' is none of system, wrapper, driver, tracing: {FORM}")),
    };
    let pattern = pattern.trim();
    // File names have no exclamation mark, names of operators may have one.
    let (module, function) = match pattern.split_once('!') {
        Some((module, function)) => (module.trim_end(), Some(function.trim_start())),
        None => (pattern, None),
    };
    if module.is_empty() {
        return Err(format!("no module in '{pattern}': {FORM}, such as *!operator new"));
    }
    if module.contains(['\\', '/']) {
        return Err(format!("'{module}' is a path: expected a file name such as mydriver.sys"));
    }
    if function.is_some_and(str::is_empty) {
        return Err(format!("no function after '!' in '{pattern}': {FORM}"));
    }
    let (module, function) = (ModulePattern::new(module), function.map(str::to_owned));
    match (meaning, function) {
        (Ok(role), function) => Ok(Some(Line::Rule(Rule { role, module, function, origin: RuleOrigin::User }))),
        (Err(mark), Some(function)) => Ok(Some(Line::Mark(MarkRule { mark, module, function }))),
        (Err(_), None) => Err(format!("'{kind}' speaks of a function: {MARK_FORM}")),
    }
}

/// Returns `true` if a text matches a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Positions to continue at after a mismatch: behind the last star, one character further in the text.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(b'?') => {
                p += 1;
                // One character may be several bytes.
                t += 1;
                while text.get(t).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    t += 1;
                }
            }
            Some(byte) if text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            _ => match &mut retry {
                Some((behind, from)) => {
                    *from += 1;
                    (p, t) = (*behind, *from);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_wildcards() {
        let like = ["a*c?", "*", "*b*", "abc\u{e9}", "?bc?", "*\u{e9}", "a**\u{e9}*"];
        assert!(like.iter().all(|pattern| is_like(pattern, "abc\u{e9}")));
        let unlike = ["a*c", "", "b*", "?c*", "abc\u{e9}?", "ABC?"];
        assert!(!unlike.iter().any(|pattern| is_like(pattern, "abc\u{e9}")));
        assert!(is_like("*ab", "aab") && is_like("*a*ab", "aaab") && !is_like("*ab", "abb"));
    }

    #[test]
    fn the_rules_of_the_program_are_all_right() {
        assert_eq!(WrapperRules::default().extended_with(STANDARD).1, []);
        let rules = WrapperRules::built_in();
        let module = |name| rules.of_module(name).role();
        assert_eq!([module("NTKRNLMP.EXE"), module("halmacpi.dll"), module("VerifierExt.sys")], [FrameRole::System; 3]);
        assert_eq!([module("Wdf01000.sys"), module("NDIS.SYS"), module("ks.sys")], [FrameRole::Wrapper; 3]);
        assert_eq!([module("classpnp.sys"), module("RDBSS.SYS"), module("ucx01000.sys")], [FrameRole::Wrapper; 3]);
        assert_eq!([module("tcpip.sys"), module("dxgkrnl.sys"), module("ntfs.sys")], [FrameRole::Driver; 3]);
        assert_eq!([module("myfault.sys"), module("ndisuio.sys"), module("win32kbase.sys")], [FrameRole::Driver; 3]);
        let role = |name, function| rules.of_module(name).role_of(function);
        for function in ["operator new[]", "Node::operator new", "malloc", "ExAllocatePoolZero", "WdfMemoryCreate"] {
            assert_eq!(role("myfault.sys", function), FrameRole::Wrapper, "{function}");
        }
        for function in ["MyNew", "operator delete", "mallocate", "DriverEntry", "operator=="] {
            assert_eq!(role("myfault.sys", function), FrameRole::Driver, "{function}");
        }
        assert_eq!(role("win32kbase.sys", "Win32AllocPoolWithQuotaZInit"), FrameRole::Wrapper);
        assert_eq!(role("ntoskrnl.exe", "ExAllocatePoolWithTag"), FrameRole::System);
        assert_eq!(role("ntoskrnl.exe", "EtwTracePool"), FrameRole::Tracing);
        assert_eq!(role("ntoskrnl.exe", "EtwRegister"), FrameRole::System);
    }

    #[test]
    fn frames_are_marked_by_functions_and_rules_know_where_they_come_from() {
        let standard = WrapperRules::built_in();
        let nt = standard.of_module("ntoskrnl.exe");
        let marks = ["KiInterruptDispatchNoLockNoEtw", "KiDpcInterrupt", "KiRetireDpcList", "KiExecuteAllDpcs"];
        assert!(marks.iter().all(|function| nt.mark_of(function) == Some(FrameMark::Interrupt)));
        assert_eq!(nt.mark_of("ExpWorkerThread"), Some(FrameMark::Worker));
        assert_eq!((nt.mark_of("NtCreateFile"), nt.role_of("KiDpcInterrupt")), (None, FrameRole::System));
        assert!(nt.has_marks() && !standard.of_module("my.sys").has_marks());
        let (rules, errors) = standard.extended_with("wrapper my.sys!Pass*\nworker my.sys!Pump\ninterrupt my.sys\n");
        assert_eq!(errors.len(), 1, "{errors:?}");
        let my = rules.of_module("my.sys");
        assert_eq!((my.origin_of(Some("PassOn")), my.origin_of(None)), (Some(RuleOrigin::User), None));
        assert_eq!((my.mark_of("Pump"), my.role_of("Pump")), (Some(FrameMark::Worker), FrameRole::Driver));
        assert_eq!(rules.of_module("fltmgr.sys").origin_of(Some("FltCreate")), Some(RuleOrigin::BuiltIn));
        assert_eq!(rules.of_module("fltmgr.sys").origin_of(None), Some(RuleOrigin::BuiltIn));
    }

    #[test]
    fn later_rules_win_and_wrong_lines_are_named() {
        let text = "# my own\r\nwrapper MyBus!Bus::Alloc* # ours\r\nthunk a.sys\n\nwrapper\ndriver ndis\nsystem !f\n\
                    wrapper a.sys!\nwrapper c:\\a.sys\ndriver my#bus.sys\nwrapper x.sys!operator!=";
        let (rules, errors) = WrapperRules::built_in().extended_with(text);
        assert_eq!(rules.of_module("mybus.sys").role_of("Bus::Allocate"), FrameRole::Wrapper);
        assert_eq!(rules.of_module("mybus.sys").role_of("bus::Allocate"), FrameRole::Driver);
        assert_eq!(rules.of_module("ndis.sys").role_of("NdisAllocateMemory"), FrameRole::Driver);
        assert_eq!(rules.of_module("x.sys").role_of("operator!="), FrameRole::Wrapper);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let expected = [
            "line 3: 'thunk' is none of system, wrapper, driver, tracing: expected KIND MODULE or KIND MODULE!FUNCTION",
            "line 5: 'wrapper' alone: expected KIND MODULE or KIND MODULE!FUNCTION",
            "line 7: no module in '!f': expected KIND MODULE or KIND MODULE!FUNCTION, such as *!operator new",
            "line 8: no function after '!' in 'a.sys!': expected KIND MODULE or KIND MODULE!FUNCTION",
            "line 9: 'c:\\a.sys' is a path: expected a file name such as mydriver.sys",
        ];
        assert_eq!(errors, expected);
    }
}
