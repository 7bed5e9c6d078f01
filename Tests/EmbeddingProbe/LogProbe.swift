import Glibc
import Orepa
import OrepaPlan
import Synchronization

/// Prints the warnings that loading a model gives where the system refuses most of its threads: arguments MODEL `log`.
struct LogProbe {
    static func run(_ arguments: [String]) throws {
        var options = Model.Options()
        options.threads = .own(count: 64)
        options.log = { message in
            if message.level == .warning { print("warning \(message.text)") }
        }
        // Less than the stacks of 64 threads.
        var size = rlimit()
        size.rlim_cur = 400 << 20
        size.rlim_max = size.rlim_cur
        guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &size) == 0 else { exit(1) }
        let model = try Model(path: arguments[1], options: options)
        print("threads \(model.threadCount)")
        print("best \(InstructionSet.best)")
    }
}
