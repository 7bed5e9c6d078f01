import COrepa
import OrepaNetwork
import OrepaPlan
import OrepaThreads

/// Times `run_tensor` of the C interface and the bare executor in turns, in one process:
/// `EmbeddingCost MODEL THREADS ROUNDS`. Prints the medians of both in seconds and of the ratios of neighbouring turns, the
/// ratio of the fastest turns, and the mean of a call without pictures.
@main
struct EmbeddingCost {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let threadCount = Int(arguments[2]),
            let rounds = Int(arguments[3]), threadCount > 0, rounds > 0
        else {
            print("usage: EmbeddingCost MODEL THREADS ROUNDS")
            return
        }
        let contenders = try Contenders(path: arguments[1], threadCount: threadCount)
        // Turns of at least 20 ms, so that reading the clock costs nothing.
        let turn = max(1, Int(0.02 / contenders.bareTime(calls: 1)))
        var bareTimes: [Double] = []
        var callTimes: [Double] = []
        for round in 0..<rounds {
            // Whoever comes second must not always be the same.
            if round % 2 == 0 { bareTimes.append(contenders.bareTime(calls: turn)) }
            callTimes.append(contenders.callTime(calls: turn))
            if round % 2 != 0 { bareTimes.append(contenders.bareTime(calls: turn)) }
        }
        precondition(
            contenders.bareLogits == contenders.callLogits,
            "the interface must give the executor's bits")
        print("bare_seconds \(median(bareTimes))")
        print("call_seconds \(median(callTimes))")
        print("ratio \(median(zip(callTimes, bareTimes).map { $0 / $1 }))")
        print("fastest_ratio \(callTimes.min()! / bareTimes.min()!)")
        print("empty_call_seconds \(contenders.emptyCallTime(calls: 100_000))")
    }

    static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}

/// The same network behind the C interface and without it.
final class Contenders {
    private let context: PlanContext
    private let api: orepa_api
    private let model: OpaquePointer
    private let input: [Float]
    private(set) var bareLogits: [Float]
    private(set) var callLogits: [Float]

    init(path: String, threadCount: Int) throws {
        let file = try ModelFile(path: path)
        let pool = WorkerPool(threadCount: threadCount)
        context = try PlanContext(Plan(file, pool: pool), pool: pool)
        api = orepa_get_api(UInt32(OREPA_API_VERSION)).pointee
        var options = orepa_model_options()
        options.size = MemoryLayout<orepa_model_options>.size
        options.thread_count = Int32(threadCount)
        var model: OpaquePointer?
        guard api.model_load(path, &options, &model) == OREPA_OK, let model else {
            fatalError(String(cString: api.last_error()!))
        }
        self.model = model
        let crop = file.description.preprocessing.crop
        input = ModelProbe.picture(seed: 1, channels: 3, height: crop, width: crop)
        bareLogits = [Float](repeating: 0, count: file.network.graph.classCount)
        callLogits = bareLogits
    }

    deinit { api.model_free(model) }

    /// Seconds that the executor takes for a call.
    func bareTime(calls: Int) -> Double {
        let start = ContinuousClock.now
        for _ in 0..<calls {
            input.withUnsafeBufferPointer { input in
                bareLogits.withUnsafeMutableBufferPointer {
                    context.run(input, count: 1, logits: $0)
                }
            }
        }
        return seconds(since: start) / Double(calls)
    }

    /// Seconds that the C interface takes for a call.
    func callTime(calls: Int) -> Double {
        let start = ContinuousClock.now
        for _ in 0..<calls {
            let status = api.run_tensor(
                model, input, input.count, 1, &callLogits, callLogits.count, nil)
            precondition(status == OREPA_OK)
        }
        return seconds(since: start) / Double(calls)
    }

    /// Seconds that the C interface takes for a call without pictures.
    func emptyCallTime(calls: Int) -> Double {
        let start = ContinuousClock.now
        for _ in 0..<calls {
            precondition(api.run_tensor(model, nil, 0, 0, nil, 0, nil) == OREPA_OK)
        }
        return seconds(since: start) / Double(calls)
    }

    private func seconds(since start: ContinuousClock.Instant) -> Double {
        let time = (ContinuousClock.now - start).components
        return Double(time.seconds) + Double(time.attoseconds) * 1e-18
    }
}
