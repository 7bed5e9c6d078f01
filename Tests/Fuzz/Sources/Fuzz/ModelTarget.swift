import OrepaThreads

@testable import OrepaFiles
@testable import OrepaInfer
@testable import OrepaNetwork
@testable import OrepaPlan
@testable import OrepaSafetensors

/// A model's document within a file that has the tensors it asks for; described and printed, then planned and run.
func fuzzModel(_ input: UnsafeRawBufferPointer) -> Int32 {
    guard let document = String(validating: input, as: UTF8.self) else { return -1 }
    do {
        let model = try ModelFile(file(holding: document))
        check(try Inspection(model, path: model.path, inputSize: nil))
        try run(model)
    } catch {
        check(error)
    }
    return 0
}

/// What the time and memory for an input allow.
private let budget = ModelBudget(maximumMultiplyAdds: 20_000_000, maximumMemory: 128 << 20)

/// Shared by all inputs: starting threads costs more than what they do here.
private let pool = WorkerPool(threadCount: 2)

private func file(holding document: String) throws -> FileBytes {
    var tensors: [(name: String, shape: [Int])] = []
    if let parsed = try? ModelDocument(parsing: document, path: "input"),
        let nodes = try? parsed.graph.map({ try $0.node(path: "input") }),
        let graph = try? Graph(inputChannels: parsed.input.channels, nodes: nodes),
        let shapes = try? graph.tensorShapes(), elementCount(shapes) <= 1 << 20
    {
        tensors = shapes
    }
    let writer = try SafetensorsWriter(
        tensors.map { .init(name: $0.name, elementType: .float32, shape: $0.shape) { _ in } },
        metadata: ["orepa.model": document])
    // Any bytes are numbers; these are small ones.
    let count = elementCount(tensors)
    return FileBytes(
        writer.header
            + (0..<count).flatMap { index -> [UInt8] in
                [0, 0, UInt8(truncatingIfNeeded: index &* 37) & 0x8F, 0x3E]
            }, path: "input")
}

private func elementCount(_ tensors: [(name: String, shape: [Int])]) -> Int {
    tensors.reduce(0) { sum, tensor in
        let count = tensor.shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        return sum &+ min(max(0, count), 1 << 21)
    }
}

private func run(_ model: ModelFile) throws {
    let graph = model.network.graph
    let crop = model.description.preprocessing.crop
    for numerics in Numerics.allCases {
        let plan = try Plan(model, numerics: numerics, budget: budget, pool: pool)
        let context = try PlanContext(plan, pool: pool)
        let pixels = [Float](repeating: 0.5, count: graph.inputChannels * crop * crop)
        precondition(context.run(pixels, count: 1).count == graph.classCount)
    }
}
