import COrepaKernels
import OrepaNetwork

/// The steps of a network for one input size, and where each value lies in memory.
struct PlanLayout {
    let steps: [LoweredGraph.Step]
    let input: Plan.Value
    let logits: Plan.Value
    /// Pictures that run together; their maps follow one another.
    let pictureCount: Int
    /// Elements of the feature maps' memory.
    let arenaCount: Int
    private let valueByNode: [Int: Plan.Value]
    private let names: [String]
    private let products: [Int]

    /// A map for each step's value, with the border that its readers need, and its place in the arena.
    ///
    /// - Throws: ``NetworkError`` when the network cannot take an input of that size.
    init(
        _ graph: Graph, height: Int, width: Int, pictureCount: Int
    ) throws(NetworkError) {
        let shapes = try graph.shapes(height: height, width: width)
        let steps = LoweredGraph(graph).steps
        var border: [Int: Int] = [:]
        var last: [Int: Int] = [:]
        for (index, step) in steps.enumerated() {
            for node in step.reads { last[node] = index }
            if case .convolution(let convolution, _) = step.operation {
                border[step.input] = max(border[step.input] ?? 0, convolution.padding)
            }
        }
        // Only convolutions of all channels read single planes.
        let isPlanar = steps.allSatisfy { step in
            guard step.reads.contains(-1) else { return true }
            guard case .convolution(let convolution, let residual) = step.operation else {
                return false
            }
            return convolution.groups == 1 && residual != -1
        }
        let inputMap = (isPlanar ? orepa_map_planar : orepa_map_blocked)(
            Int32(graph.inputChannels), Int32(height), Int32(width), Int32(border[-1] ?? 0))
        let maps = steps.map { step in
            let shape = shapes[step.node]
            return orepa_map_blocked(
                Int32(shape.channels), Int32(shape.height), Int32(shape.width),
                Int32(border[step.node] ?? 0))
        }
        let layout = ArenaLayout(
            [.init(size: Int(inputMap.image) * pictureCount, first: -1, last: last[-1] ?? 0)]
                + steps.indices.map {
                    .init(
                        size: Int(maps[$0].image) * pictureCount, first: $0,
                        last: last[steps[$0].node] ?? steps.count)
                })
        var byNode: [Int: Plan.Value] = [:]
        for (index, step) in steps.enumerated() {
            byNode[step.node] = Plan.Value(map: maps[index], offset: layout.offsets[index + 1])
        }
        self.steps = steps
        self.pictureCount = pictureCount
        names = graph.nodes.map(\.name)
        products = try graph.multiplyAccumulates(height: height, width: width)
        input = Plan.Value(map: inputMap, offset: layout.offsets[0], isInput: true)
        logits = byNode[shapes.count - 1]!
        arenaCount = layout.size
        valueByNode = byNode
    }

    /// The value of a node; -1 is the network's input.
    func value(_ node: Int) -> Plan.Value { node < 0 ? input : valueByNode[node]! }

    /// Name of the node whose value a step makes.
    func name(_ step: LoweredGraph.Step) -> String { names[step.node] }

    /// Name of the node whose arithmetic a step does.
    func layer(_ step: LoweredGraph.Step) -> String { names[step.arithmeticNode] }

    /// Multiplications with addition of a step's operation as it is defined, whatever an algorithm saves.
    func multiplyAccumulates(_ step: LoweredGraph.Step) -> Int { products[step.arithmeticNode] }
}
