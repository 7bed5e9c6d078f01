import COrepa
import Orepa
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaThreads

extension orepa_model_options {
    /// What they ask for.
    func options() throws(Failure) -> Model.Options {
        var options = Model.Options()
        options.numerics = try choice(
            numerics, "options.numerics", "OREPA_NUMERICS_", [.fast, .strict])
        options.memory = try choice(
            memory, "options.memory", "OREPA_MEMORY_", [.fast, .small, .mapped])
        options.threads = try modelThreads()
        options.inputSize = try inputSize()
        options.checksProbe = !skip_probe
        options.appliesExifOrientation = exif_orientation
        options.decodingLimits = try limits()
        options.trustsPackedWeights = trust_packed_weights
        options.budget = try budget()
        options.sixteenBitGrey = try choice(
            png16, "options.png16", "OREPA_PNG16_", [.high, .pillow])
        options.refusesDamagedPictures = strict_pictures
        if let log {
            nonisolated(unsafe) let context = log_context
            options.log = { message in
                message.text.withCString { log(context, message.level.rawValue, $0) }
            }
        }
        return options
    }

    private func modelThreads() throws(Failure) -> Model.Threads {
        let kind: Int32 = threads
        guard kind == OREPA_THREADS_SHARED || pool == nil else {
            throw .argument(
                "options.pool", expected: "NULL without OREPA_THREADS_SHARED", found: "a pool")
        }
        guard kind == OREPA_THREADS_PARALLEL_FOR || parallel_for == nil else {
            throw .argument(
                "options.parallel_for", expected: "NULL without OREPA_THREADS_PARALLEL_FOR",
                found: "a function")
        }
        switch kind {
        case OREPA_THREADS_OWN:
            return .own(count: try checkedThreadCount(thread_count, "options.thread_count"))
        case OREPA_THREADS_SHARED:
            try checkThreadCountIsZero("OREPA_THREADS_SHARED")
            return .shared(try PoolHandle.of(pool, "options.pool").pool)
        case OREPA_THREADS_CALLER:
            try checkThreadCountIsZero("OREPA_THREADS_CALLER")
            return .callersThread
        case OREPA_THREADS_PARALLEL_FOR:
            guard let loop = parallel_for else {
                throw .null("options.parallel_for", expected: "a function")
            }
            let count = try checkedThreadCount(thread_count, "options.thread_count", least: 1)
            return .parallelFor(
                ParallelFor(loop, context: parallel_for_context, threadCount: count!))
        default:
            throw .argument(
                "options.threads", expected: "one of OREPA_THREADS_..., 0 to 3", found: "\(kind)")
        }
    }

    private func checkThreadCountIsZero(_ kind: String) throws(Failure) {
        guard thread_count == 0 else {
            throw .argument(
                "options.thread_count", expected: "0 with \(kind)", found: "\(thread_count)")
        }
    }

    private func limits() throws(Failure) -> DecodingLimits {
        var limits = DecodingLimits.default
        func limit(_ value: Int, _ name: String, _ set: (inout DecodingLimits) -> Void)
            throws(Failure)
        {
            guard value >= 0 else {
                throw .argument(
                    "options.\(name)", expected: "at most \(Int.max)",
                    found: "\(UInt(bitPattern: value))")
            }
            if value > 0 { set(&limits) }
        }
        try limit(maximum_pixels, "maximum_pixels") { $0.maximumPixels = maximum_pixels }
        try limit(maximum_image_memory, "maximum_image_memory") {
            $0.maximumMemory = maximum_image_memory
        }
        try limit(maximum_jpeg_scans, "maximum_jpeg_scans") {
            $0.maximumScans = maximum_jpeg_scans
        }
        try limit(maximum_jpeg_scanned_samples, "maximum_jpeg_scanned_samples") {
            $0.maximumScannedSamples = maximum_jpeg_scanned_samples
        }
        return limits
    }

    private func budget() throws(Failure) -> ModelBudget {
        var budget = ModelBudget.default
        guard maximum_multiply_adds <= UInt64(Int64.max) else {
            throw .argument(
                "options.maximum_multiply_adds", expected: "at most \(Int64.max)",
                found: "\(maximum_multiply_adds)")
        }
        guard maximum_model_memory >= 0 else {
            throw .argument(
                "options.maximum_model_memory", expected: "at most \(Int.max)",
                found: "\(UInt(bitPattern: maximum_model_memory))")
        }
        if maximum_multiply_adds > 0 { budget.maximumMultiplyAdds = Int(maximum_multiply_adds) }
        if maximum_model_memory > 0 { budget.maximumMemory = maximum_model_memory }
        return budget
    }

    /// When making the model is to end early.
    func loadLimits() throws(Failure) -> CallLimits {
        try CallLimits(
            timeoutNanoseconds: load_timeout_nanoseconds, "options.load_timeout_nanoseconds",
            cancellation: load_cancellation, "options.load_cancellation")
    }

    private func inputSize() throws(Failure) -> (height: Int, width: Int)? {
        if input_height == 0 && input_width == 0 { return nil }
        guard input_height > 0, input_width > 0 else {
            throw .argument(
                "options.input_height and input_width", expected: "both positive or both 0",
                found: "\(input_height) and \(input_width)")
        }
        return (Int(input_height), Int(input_width))
    }

    private func choice<Value>(
        _ number: Int32, _ argument: String, _ prefix: String, _ values: [Value]
    ) throws(Failure) -> Value {
        guard values.indices ~= Int(number) else {
            throw .argument(
                argument, expected: "one of \(prefix)..., 0 to \(values.count - 1)",
                found: "\(number)")
        }
        return values[Int(number)]
    }
}

/// The number of threads that a caller asks for; nil for 0.
func checkedThreadCount(_ count: Int32, _ argument: String, least: Int32 = 0) throws(Failure)
    -> Int?
{
    // Far above any machine's processors: a typing error should not start a million threads.
    let most: Int32 = 4096
    guard least...most ~= count else {
        throw .argument(argument, expected: "\(least) to \(most)", found: "\(count)")
    }
    return count == 0 ? nil : Int(count)
}

extension ParallelFor {
    /// A loop of the host's, called with its context.
    init(
        _ loop:
            @escaping @convention(c) (
                UnsafeMutableRawPointer?, Int, orepa_loop_body?, UnsafeMutableRawPointer?
            ) -> Void, context: UnsafeMutableRawPointer?, threadCount: Int
    ) {
        nonisolated(unsafe) let context = context
        self.init(threadCount: threadCount) { count, turn in
            // The closure lives until the loop has returned, and C calls it through a pointer to it.
            withoutActuallyEscaping(turn) { turn in
                withUnsafePointer(to: turn) { pointer in
                    loop(
                        context, count,
                        { turn, item in
                            turn!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(
                                item)
                        }, UnsafeMutableRawPointer(mutating: pointer))
                }
            }
        }
    }
}
