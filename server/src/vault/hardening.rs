//! Keeps the memory of the process off the disk (E2). To be called first thing in `main`, before any key is read. It must not
//! use `unsafe`, hence no `prctl`.

use std::io;

use rlimit::Resource;

/// Switches core dumps off for this process and its children, for good.
///
/// The limit is one byte, not zero: Linux takes a limit of zero to forbid core files only, and still pipes the dump to a
/// handler such as apport where `kernel.core_pattern` names one; a limit of one forbids both (`do_coredump` in the kernel's
/// `fs/coredump.c`). A hard limit that is already lower stays.
pub fn disable_core_dumps() -> io::Result<()> {
    let (_, hard) = rlimit::getrlimit(Resource::CORE)?;
    let limit = hard.min(1);
    rlimit::setrlimit(Resource::CORE, limit, limit)?;
    // Second lock, for a kernel or handler that dumps all the same: no memory mapping is part of a dump. Absent on other
    // systems and in some containers, where the first lock is what there is.
    match std::fs::write("/proc/self/coredump_filter", "0") {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E2: core dumps are off, also for handlers behind a pipe.
    #[test]
    fn core_dumps_are_off_and_stay_off() {
        disable_core_dumps().unwrap();
        disable_core_dumps().unwrap();
        let (soft, hard) = rlimit::getrlimit(Resource::CORE).unwrap();
        assert_eq!(soft, hard);
        assert!(hard <= 1);
        if let Ok(filter) = std::fs::read_to_string("/proc/self/coredump_filter") {
            assert_eq!(filter.trim().trim_start_matches('0'), "");
        }
    }
}
