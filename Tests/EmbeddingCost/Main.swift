import COrepa
import OrepaNetwork
import OrepaPlan

/// Times `run_tensor` of the C interface and the bare executor in turns, in one process:
/// `EmbeddingCost MODEL THREADS ROUNDS`. Prints the medians of both in seconds, of a call without pictures, and of the
/// ratios of neighbouring turns.
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
        let file = try ModelFile(path: arguments[1])
        let pool = WorkerPool(threadCount: threadCount)
        let plan = try Plan(file, pool: pool)
        let context = try PlanContext(plan, pool: pool)

        let api = orepa_get_api(UInt32(OREPA_API_VERSION)).pointee
        var options = orepa_model_options()
        options.size = MemoryLayout<orepa_model_options>.size
        options.thread_count = Int32(threadCount)
        var model: OpaquePointer?
        guard api.model_load(arguments[1], &options, &model) == OREPA_OK else {
            print(String(cString: api.last_error()))
            return
        }
        defer { api.model_free(model) }

        let classCount = file.network.graph.classCount
        let crop = file.description.preprocessing.crop
        let input = ModelProbe.picture(seed: 1, channels: 3, height: crop, width: crop)
        var logits = [Float](repeating: 0, count: classCount)
        var callLogits = logits
        // Turns of at least 20 ms, so that a turn's own timing costs nothing.
        let once = time { bare(context, input, &logits) }
        let turn = max(1, Int(0.02 / once))
        var bareTimes: [Double] = []
        var callTimes: [Double] = []
        var ratios: [Double] = []
        func bareTurn() -> Double {
            time { for _ in 0..<turn { bare(context, input, &logits) } } / Double(turn)
        }
        func callTurn() -> Double {
            time {
                for _ in 0..<turn {
                    let status = api.run_tensor(
                        model, input, input.count, 1, &callLogits, classCount, nil)
                    precondition(status == OREPA_OK)
                }
            } / Double(turn)
        }
        for round in 0..<rounds {
            // Whoever comes second must not always be the same.
            let isBareFirst = round % 2 == 0
            let first = isBareFirst ? bareTurn() : callTurn()
            let second = isBareFirst ? callTurn() : bareTurn()
            bareTimes.append(isBareFirst ? first : second)
            callTimes.append(isBareFirst ? second : first)
            ratios.append(callTimes.last! / bareTimes.last!)
        }
        precondition(logits == callLogits, "the interface must give the executor's bits")
        let emptyCalls = 100_000
        let empty =
            time {
                for _ in 0..<emptyCalls {
                    precondition(api.run_tensor(model, nil, 0, 0, nil, 0, nil) == OREPA_OK)
                }
            } / Double(emptyCalls)
        print("bare_seconds \(median(bareTimes))")
        print("call_seconds \(median(callTimes))")
        print("ratio \(median(ratios))")
        print("empty_call_seconds \(empty)")
    }

    static func bare(_ context: PlanContext, _ input: [Float], _ logits: inout [Float]) {
        input.withUnsafeBufferPointer { input in
            logits.withUnsafeMutableBufferPointer { context.run(input, count: 1, logits: $0) }
        }
    }

    static func time(_ body: () -> Void) -> Double {
        let duration = ContinuousClock().measure(body)
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}
