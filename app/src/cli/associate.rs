//! `poolscope associate`: offers poolscope for `.etl` files of this user, or takes that back. The default program stays the user's
//! choice.

use super::io::Io;
use crate::association::{Association, AssociationState};
use std::io::Write as _;

/// Options of `associate`.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct Args {
    /// Takes the offer back
    #[arg(long)]
    pub remove: bool,
}

/// Runs the command.
///
/// # Errors
/// When the system does not take it.
pub fn run(args: Args, association: &dyn Association, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if args.remove {
        let before = association.state()?;
        association.unregister()?;
        match before {
            AssociationState::Registered(program) => writeln!(io.out, "{program} is not offered for .etl files any more.")?,
            _ => writeln!(io.out, "poolscope was not offered for .etl files; nothing of it is left.")?,
        }
        return Ok(0);
    }
    association.register()?;
    if let AssociationState::Registered(program) = association.state()? {
        writeln!(io.out, "{program} is offered for .etl files of this user.")?;
        writeln!(
            io.out,
            "To use it, right-click a trace in Explorer and choose Open with; \"Always\" there makes it the default."
        )?;
        writeln!(io.out, "poolscope associate --remove takes it back.")?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::AssociationError;
    use parking_lot::Mutex;

    /// Remembers instead of a system.
    #[derive(Default)]
    struct Remembered(Mutex<Option<String>>);

    impl Association for Remembered {
        fn state(&self) -> Result<AssociationState, AssociationError> {
            Ok(self.0.lock().clone().map_or(AssociationState::NotRegistered, AssociationState::Registered))
        }

        fn register(&self) -> Result<(), AssociationError> {
            *self.0.lock() = Some("C:\\poolscopew.exe".to_owned());
            Ok(())
        }

        fn unregister(&self) -> Result<(), AssociationError> {
            *self.0.lock() = None;
            Ok(())
        }
    }

    fn said(remove: bool, association: &dyn Association) -> anyhow::Result<String> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::captured(&mut out, &mut err);
        let code = run(Args { remove }, association, &mut io)?;
        drop(io);
        assert_eq!((code, err.len()), (0, 0));
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn it_says_what_was_done_and_how_to_undo_it() {
        let system = Remembered::default();
        assert!(said(true, &system).expect("done").contains("was not offered"));
        let offered = said(false, &system).expect("done");
        assert!(offered.contains("C:\\poolscopew.exe") && offered.contains("--remove"), "{offered}");
        assert!(said(true, &system).expect("done").contains("not offered for .etl files any more"));
        assert_eq!(*system.0.lock(), None);
    }

    #[cfg(not(windows))]
    #[test]
    fn elsewhere_it_says_what_to_do() {
        let error = said(false, &crate::association::SystemAssociation).expect_err("no registry");
        assert!(error.to_string().contains("on Windows only"), "{error}");
    }
}
