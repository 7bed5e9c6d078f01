/// `activation(a + b)` of two feature maps of one shape.
struct Addition: OperationDefinition {
    let activation: Activation

    var inputCount: Int { 2 }

    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int {
        guard inputs.channels[0] == inputs.channels[1] else {
            throw .channels(node: node, expected: inputs.channels[0], found: inputs.channels[1])
        }
        return inputs.channels[0]
    }

    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape {
        guard inputs[0] == inputs[1] else {
            throw .sumOfShapes(node: node, first: inputs[0], second: inputs[1])
        }
        return inputs[0]
    }

    private static func documentName(_ activation: Activation) -> String {
        switch activation {
        case .identity: "add"
        case .relu: "add_relu"
        }
    }

    func write(to document: inout ModelDocument.GraphNode) {
        document.operation = Addition.documentName(activation)
    }

    static var documentReaders: [OperationReader] {
        Activation.allCases.map { activation in
            OperationReader(name: documentName(activation)) { _, _ in .add(activation) }
        }
    }
}
