//! `associate`: registers poolscope for `.etl` files of the current user, or unregisters it. The default program remains the user's
//! choice.

use super::io::Io;
use crate::association::{Association, AssociationState};
use std::io::Write as _;

/// Options of `associate`.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct Args {
    /// Unregisters poolscope
    #[arg(long)]
    pub remove: bool,
}

/// Runs the command.
///
/// # Errors
/// The registry cannot be changed.
pub fn run(args: Args, association: &dyn Association, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if args.remove {
        let before = association.state()?;
        association.unregister()?;
        match before {
            AssociationState::Registered(program) => {
                writeln!(io.out, "{program} is no longer registered for .etl files.")?
            }
            _ => writeln!(io.out, "poolscope was not registered for .etl files.")?,
        }
        return Ok(0);
    }
    association.register()?;
    if let AssociationState::Registered(program) = association.state()? {
        writeln!(io.out, "{program} is registered for .etl files of the current user.")?;
        writeln!(
            io.out,
            "To use it, right-click a trace in Explorer and select Open with. Select \"Always\" to make it the default."
        )?;
        writeln!(io.out, "poolscope associate --remove unregisters it.")?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::AssociationError;
    use parking_lot::Mutex;

    /// A registry in memory.
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

    fn output_of(remove: bool, association: &dyn Association) -> anyhow::Result<String> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::captured(&mut out, &mut err);
        let code = run(Args { remove }, association, &mut io)?;
        drop(io);
        assert_eq!((code, err.len()), (0, 0));
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn output_shows_the_change_and_how_to_undo_it() {
        let system = Remembered::default();
        assert!(output_of(true, &system).expect("done").contains("was not registered"));
        let registered = output_of(false, &system).expect("done");
        assert!(registered.contains("C:\\poolscopew.exe") && registered.contains("--remove"), "{registered}");
        assert!(output_of(true, &system).expect("done").contains("no longer registered for .etl files"));
        assert_eq!(*system.0.lock(), None);
    }

    #[cfg(not(windows))]
    #[test]
    fn other_systems_get_instructions() {
        let error = output_of(false, &crate::association::SystemAssociation).expect_err("no registry");
        assert!(error.to_string().contains("on Windows only"), "{error}");
    }
}
