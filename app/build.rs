//! Puts the icon, the version and the manifest into the programs for Windows; for other systems it does nothing.

use std::error::Error;

const ICON: &str = "../assets/icon/poolscope.ico";
const MANIFEST: &str = "windows.manifest";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ICON}");
    println!("cargo::rerun-if-changed={MANIFEST}");
    if std::env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    // The resource compiler runs in a folder of its own.
    let here = std::env::var("CARGO_MANIFEST_DIR")?;
    let mut resource = winresource::WindowsResource::new();
    resource.set_icon(&format!("{here}/{ICON}")).set_manifest_file(&format!("{here}/{MANIFEST}"));
    // What Explorer and the task manager call the program; the long description belongs to the comments.
    resource.set("FileDescription", "poolscope").set("ProductName", "poolscope");
    resource.set("Comments", &std::env::var("CARGO_PKG_DESCRIPTION")?);
    resource.set("LegalCopyright", "MIT OR Apache-2.0");
    resource.compile()?;
    Ok(())
}
