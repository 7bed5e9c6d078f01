import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads

/// A network of chosen shapes, run with chosen threads, batch and memory on every instruction set of this machine:
/// strict runs give what the definition says, all runs of one numerics the same bits.
func fuzzGraph(_ input: UnsafeRawBufferPointer) -> Int32 {
    var choices = Choices(input)
    let numerics = choices.chance() ? Numerics.fast : .strict
    let pictureCount = choices.pick(1...5)
    let threadCounts = [choices.pick(1...4), choices.pick(1...4)]
    let memories = [PlanMemory.fast, choices.chance() ? .small : .fast]
    var random = Noise(UInt64(choices.byte()))
    guard let chosen = ChosenGraph(&choices) else { return -1 }
    let graph = chosen.graph
    var tensors: [ByteName: Tensor] = [:]
    // What every planned graph passes; it is a fault of the graph's maker otherwise.
    for (name, shape) in try! graph.tensorShapes() {
        tensors[ByteName(name)] = Tensor(shape: shape, values: random.integers(shape.reduce(1, *)))
    }
    let network = try! Network(graph: graph, tensors: tensors)
    let size = graph.inputChannels * chosen.height * chosen.width
    let pictures = random.integers(pictureCount * size)
    // The last one has been in every place of a batch by then.
    let last = NaiveNetwork(
        network, input: Array(pictures.suffix(size)), height: chosen.height, width: chosen.width)

    var bits: [UInt32] = []
    for set in InstructionSet.allCases where set <= .best {
        for (threadCount, memory) in zip(threadCounts, memories) {
            let pool = pools[threadCount - 1]
            let plan: Plan
            let context: PlanContext
            do {
                plan = try Plan(
                    network, height: chosen.height, width: chosen.width, numerics: numerics,
                    algorithms: numerics == .fast ? chosen.algorithms : [:], instructionSet: set,
                    memory: memory, pool: pool)
                context = try PlanContext(plan, batch: pictureCount, pool: pool)
            } catch {
                preconditionFailure("expected a plan: \(error)")
            }
            let logits = run(
                context, pictures, pictureCount, like: last, isExact: numerics == .strict)
            let found = logits.map(\.bitPattern)
            precondition(bits.isEmpty || bits == found, "expected the same bits on \(set)")
            bits = found
        }
    }
    return 0
}

private let pools = (1...4).map { WorkerPool(threadCount: $0) }

/// Runs with all feature maps, compares those of the last picture, and gives all logits.
private func run(
    _ context: PlanContext, _ pictures: [Float], _ pictureCount: Int, like last: NaiveNetwork,
    isExact: Bool
) -> [Float] {
    let maps = context.plan.featureMaps
    let buffers = maps.map {
        UnsafeMutableBufferPointer<Float>.allocate(capacity: pictureCount * $0.shape.elementCount)
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    let classCount = context.plan.graph.classCount
    var logits = [Float](repeating: 0, count: pictureCount * classCount)
    do {
        try pictures.withUnsafeBufferPointer { pictures in
            try logits.withUnsafeMutableBufferPointer {
                try context.run(
                    pictures, count: pictureCount, logits: $0,
                    maps: zip(maps, buffers).map { FeatureMapOutput(step: $0.step, buffer: $1) },
                    limits: CallLimits())
            }
        }
    } catch {
        preconditionFailure("expected logits: \(error)")
    }
    for (map, buffer) in zip(maps, buffers) {
        compare(Array(buffer.suffix(map.shape.elementCount)), last.maps[map.name]!, isExact)
    }
    compare(Array(logits.suffix(classCount)), last.maps["linear"]!, isExact)
    return logits
}

/// Integers have no rounding: sums of them are exact as long as a Float32 holds them all. Others may be off by what
/// some roundings of the largest sum make.
private func compare(_ found: [Float], _ expected: NaiveNetwork.Map, _ isExact: Bool) {
    precondition(found.count == expected.values.count)
    let isWhole =
        expected.largestBound < 0x1p24 && expected.values.allSatisfy { $0 == $0.rounded() }
    let tolerance = isExact && isWhole ? 0 : expected.largestBound * 1e-4
    for (found, expected) in zip(found, expected.values) {
        precondition(
            (Double(found) - expected).magnitude <= tolerance,
            "expected \(expected) within \(tolerance), found \(found)")
    }
}

/// Small integers, by SplitMix64.
private struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func integers(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Float(Int((mixed >> 59) % 5) - 2)
        }
    }
}
