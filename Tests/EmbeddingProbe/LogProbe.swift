import CHostCalls
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
        orepa_host_allow_threads(20)
        let model = try Model(path: arguments[1], options: options)
        print("threads \(model.threadCount)")
        print("best \(InstructionSet.best)")
    }
}
