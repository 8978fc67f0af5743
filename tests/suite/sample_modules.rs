//! The module identities in the sample trace match the PDBs in `assets/sample`.

use std::fs;

use serde_json::Value;

use crate::source::root;

const MSF_MAGIC: &[u8] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0";

fn modules() -> Vec<Value> {
    let text = fs::read_to_string(root().join("assets/sample/modules.json")).expect("the table can be read");
    let table: Value = serde_json::from_str(&text).expect("the table is JSON");
    table["modules"].as_array().expect("a list of modules").clone()
}

fn text<'a>(module: &'a Value, field: &str) -> &'a str {
    module[field].as_str().unwrap_or_else(|| panic!("{field} of {module}"))
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} of {value}"))
}

/// A GUID as stored in a file: the first three groups are little-endian.
fn guid_bytes(text: &str) -> Vec<u8> {
    let groups: Vec<Vec<u8>> = text.split('-').map(hex).collect();
    let [a, b, c, d, e] = groups.as_slice() else { panic!("{text} has five groups") };
    let reversed = [a, b, c].into_iter().flat_map(|group| group.iter().rev());
    reversed.chain(d).chain(e).copied().collect()
}

fn hex(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(pair).collect()
}

#[test]
fn every_module_has_its_pdb_in_store_layout() {
    let modules = modules();
    assert!(modules.len() >= 15, "{} modules", modules.len());
    for module in &modules {
        let (pdb, guid) = (text(module, "pdb"), text(module, "guid"));
        let folder = format!("{}{:X}", guid.replace('-', "").to_uppercase(), number(module, "age"));
        let path = root().join("assets/sample/symbols").join(pdb).join(folder).join(pdb);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bytes.starts_with(MSF_MAGIC), "{pdb} is no PDB");
        let guid = guid_bytes(guid);
        assert_eq!(guid.len(), 16);
        assert!(bytes.windows(16).any(|window| window == guid), "{pdb} has another identity");
        for function in module["functions"].as_array().expect("a list of functions") {
            let name = text(function, "name").as_bytes();
            assert!(bytes.windows(name.len()).any(|window| window == name), "{pdb} lacks {function}");
        }
    }
}

#[test]
fn functions_are_inside_their_image_and_disjoint() {
    for module in modules() {
        let image_size = number(&module, "image_size");
        let mut end_before = 0;
        for function in module["functions"].as_array().expect("a list of functions") {
            let (rva, size) = (number(function, "rva"), number(function, "size"));
            assert!(size > 0 && rva >= end_before && rva + size <= image_size, "{function}");
            end_before = rva + size;
        }
    }
}

#[test]
fn the_functions_of_the_scenario_exist() {
    let story = [
        ("ntdll.dll", "RtlUserThreadStart"),
        ("KERNEL32.DLL", "BaseThreadInitThunk"),
        ("NotMyfault.exe", "WinMain"),
        ("KERNELBASE.dll", "DeviceIoControl"),
        ("ntoskrnl.exe", "IopXxxControlFile"),
        ("myfault.sys", "MyfaultDeviceControl"),
        ("ntoskrnl.exe", "ExAllocatePoolWithTag"),
    ];
    let modules = modules();
    for (file, name) in story {
        let module = modules.iter().find(|module| text(module, "file") == file).unwrap_or_else(|| panic!("{file}"));
        let functions = module["functions"].as_array().expect("a list of functions");
        assert!(functions.iter().any(|function| text(function, "name") == name), "{file}!{name}");
    }
}
