//! Writes the traces of a fleet into a folder: `fleet FOLDER [HOSTS [NIGHTS [ALLOCATIONS]]]`.

use poolscope_synth::fleet::FleetParams;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: fleet FOLDER [HOSTS [NIGHTS [ALLOCATIONS]]]")?);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let base = FleetParams::default();
    let fleet = FleetParams {
        hosts: u32::try_from(number(base.hosts.into())?)?,
        nights: u32::try_from(number(base.nights.into())?)?,
        allocations: number(base.allocations)?,
        ..base
    };
    std::fs::create_dir_all(&folder)?;
    for night in 0..fleet.nights {
        for host in 0..fleet.hosts {
            let name = format!("{}-{}.etl", FleetParams::host_name(host), FleetParams::date(night));
            fleet.write_trace(BufWriter::new(File::create_new(folder.join(name))?), host, night)?;
        }
    }
    Ok(())
}
