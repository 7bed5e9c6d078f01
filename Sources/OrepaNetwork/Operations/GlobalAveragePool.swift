/// The mean over height and width: `[N, C, H, W]` to `[N, C, 1, 1]`.
struct GlobalAveragePool: OperationDefinition {
    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int {
        inputs.channels[0]
    }

    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape {
        Shape(channels: inputs[0].channels, height: 1, width: 1)
    }

    private static let documentName = "global_average_pool"

    func write(to document: inout ModelDocument.GraphNode) {
        document.operation = GlobalAveragePool.documentName
    }

    static var documentReaders: [OperationReader] {
        [OperationReader(name: documentName) { _, _ in .globalAveragePool }]
    }
}
