import CHostCalls
import COrepa
import Glibc
import OrepaC

/// Loads a model, classifies pictures, looks at the answers and frees all through the C interface, in processes of their
/// own that may take more and more memory beside what this program has when it starts, and counts how they end.
///
/// Arguments: MODEL `limits` FIRST LAST STEP PICTURE..., the limits in KiB.
struct LimitProbe {
    private let arguments: [String]

    init(_ arguments: [String]) { self.arguments = arguments }

    private enum End: Equatable {
        case answered
        case refused
        case wrong(Int32)
        case signal(Int32)
    }

    func run() {
        guard arguments.count > 6, let first = Int(arguments[3]), let last = Int(arguments[4]),
            let step = Int(arguments[5])
        else { exit(64) }
        var counts = (answered: 0, refused: 0, wrong: 0, signals: 0)
        var firstAnswer: Int?
        var lastRefusal: Int?
        for limit in stride(from: first, through: last, by: step) {
            switch end(limit) {
            case .answered:
                counts.answered += 1
                firstAnswer = firstAnswer ?? limit
            case .refused:
                counts.refused += 1
                lastRefusal = limit
            case .wrong(let status):
                counts.wrong += 1
                print("wrong_at_\(limit) \(status)")
            case .signal(let number):
                counts.signals += 1
                print("signal_at_\(limit) \(number)")
            }
        }
        print("answered \(counts.answered)")
        print("refused \(counts.refused)")
        print("wrong \(counts.wrong)")
        print("signals \(counts.signals)")
        print("first_answer \(firstAnswer ?? -1)")
        print("last_refusal \(lastRefusal ?? -1)")
    }

    private func end(_ limit: Int) -> End {
        fflush(nil)
        let child = orepa_host_fork()
        if child == 0 {
            alarm(60)
            var size = rlimit()
            size.rlim_cur = UInt(LimitProbe.addressSpace() + limit << 10)
            size.rlim_max = size.rlim_cur
            guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &size) == 0 else { _exit(99) }
            _exit(classify())
        }
        var status: Int32 = -1
        waitpid(child, &status, 0)
        let signal = status & 0x7f
        if signal != 0 { return .signal(signal) }
        switch status >> 8 & 0xff {
        case 0: return .answered
        case OREPA_OUT_OF_MEMORY: return .refused
        case let other: return .wrong(other)
        }
    }

    /// Bytes of this process, without allocating any.
    private static func addressSpace() -> Int {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            text.initialize(repeating: 0)
            let descriptor = open("/proc/self/statm", O_RDONLY)
            read(descriptor, text.baseAddress!, 63)
            close(descriptor)
            return strtol(text.baseAddress!, nil, 10) * 4096
        }
    }

    /// - Returns: 0, a status of the library, or 90 and more for what none may do.
    private func classify() -> Int32 {
        guard let table = orepa_get_api(UInt32(OREPA_API_VERSION)) else { return 90 }
        let orepa = table.pointee
        var options = orepa_model_options()
        options.size = MemoryLayout<orepa_model_options>.size
        options.thread_count = 2
        var model: OpaquePointer?
        var status = orepa.model_load(arguments[1], &options, &model)
        if status != OREPA_OK { return model == nil ? status : 91 }
        var labels = 0
        for path in arguments[6...] {
            status = path.withCString { path in
                var picture = orepa_picture_file(path)
                var answers: OpaquePointer?
                var status = orepa.run(model, &picture, 1, nil, &answers)
                if status != OREPA_OK { return answers == nil ? status : 92 }
                defer { orepa.answers_free(answers) }
                status = orepa.answers_status(answers, 0)
                if status != OREPA_OK { return status }
                var best = orepa_prediction()
                best.size = MemoryLayout<orepa_prediction>.size
                var count = 1
                status = orepa.answers_top(answers, 0, &best, &count)
                if status != OREPA_OK { return status }
                if count == 1, best.label != nil { labels += 1 }
                return withUnsafeTemporaryAllocation(of: Float.self, capacity: 10) {
                    orepa.answers_probabilities(answers, 0, $0.baseAddress, 10)
                }
            }
            if status != OREPA_OK { return status }
        }
        orepa.model_free(model)
        return labels == arguments.count - 6 ? 0 : 93
    }
}
