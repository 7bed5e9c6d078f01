import CProcess
import OrepaSystem

/// What this program was started with, as the bytes that the system gave: at hand without /proc, which Swift's own
/// `CommandLine` reads.
enum ProgramArguments {
    /// Without the program's name.
    static let all: [RawPath] = (1..<max(Int(orepa_argument_count()), 1)).compactMap { index in
        orepa_arguments()?[index].map { RawPath(cString: $0) }
    }
}
