@testable import OrepaInfer
@testable import OrepaNetwork
@testable import OrepaPlan
@testable import OrepaSafetensors

/// A model's document within a file that has the tensors it asks for; described and printed, then planned and run.
func fuzzModel(_ input: UnsafeRawBufferPointer) -> Int32 {
    guard let document = String(validating: input, as: UTF8.self) else { return -1 }
    do {
        let model = try ModelFile(file(holding: document))
        let inspection = try Inspection(model, path: model.path, inputSize: nil)
        precondition(inspection.table.hasSuffix("\n"))
        _ = inspection.json.text(.spaced)
        try run(model)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}

/// More multiply-adds, or pixels of pools' windows, than the time for an input allows.
private let mostProducts = 20_000_000
private let mostBytes = 128 << 20

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
        tensors.map { .init(name: $0.name, shape: $0.shape, values: [Double]()) },
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
    var products = try graph.multiplyAccumulates(height: crop, width: crop).reduce(0, +)
    for (node, shape) in zip(graph.nodes, try graph.shapes(height: crop, width: crop)) {
        guard case .maxPool(let pool) = node.operation else { continue }
        products += shape.elementCount * min(pool.kernel, crop) * min(pool.kernel, crop)
    }
    for numerics in Numerics.allCases {
        let blueprint = try PlanBlueprint(model, numerics: numerics, threadCount: 2)
        guard products <= mostProducts,
            blueprint.memoryUse(.fast, threadCount: 2).total <= mostBytes
        else { return }
        let plan = try Plan(model, numerics: numerics, pool: pool)
        let context = try PlanContext(plan, pool: pool)
        let pixels = [Float](repeating: 0.5, count: graph.inputChannels * crop * crop)
        precondition(context.run(pixels, count: 1).count == graph.classCount)
    }
}
