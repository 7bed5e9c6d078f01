import OrepaNetwork
import Testing

/// A chain of two convolutions, with room to break it.
func chain(
    first: Convolution = Convolution(
        parameters: "a", inputChannels: 3, outputChannels: 8, kernel: 3, stride: 2, padding: 1,
        activation: .relu),
    second: Convolution = Convolution(
        parameters: "b", inputChannels: 8, outputChannels: 8, kernel: 3, padding: 1, groups: 2,
        activation: .relu),
    linear: Linear = Linear(parameters: "linear", inputFeatures: 8, outputFeatures: 4),
    change: (inout [Node]) -> Void = { _ in }
) throws -> Graph {
    var nodes = [
        Node(name: "a", operation: .convolution(first), inputs: ["input"]),
        Node(name: "b", operation: .convolution(second), inputs: ["a"]),
        Node(name: "pool", operation: .globalAveragePool, inputs: ["b"]),
        Node(name: "linear", operation: .linear(linear), inputs: ["pool"]),
    ]
    change(&nodes)
    return try Graph(inputChannels: 3, nodes: nodes)
}

@Suite struct GraphTests {
    @Test func shapesAndCosts() throws {
        let graph = try chain()
        #expect(
            try graph.shapes(height: 9, width: 6) == [
                Shape(channels: 8, height: 5, width: 3), Shape(channels: 8, height: 5, width: 3),
                Shape(channels: 8, height: 1, width: 1), Shape(channels: 4, height: 1, width: 1),
            ])
        #expect(
            try graph.multiplyAccumulates(height: 9, width: 6) == [27 * 8 * 15, 36 * 8 * 15, 0, 32])
        #expect(graph.classCount == 4)
    }

    @Test func refusesEmptyGraphs() {
        #expect(throws: NetworkError.lastNodeNotLinear(name: nil)) {
            try Graph(inputChannels: 3, nodes: [])
        }
    }

    @Test func refusesALastNodeThatIsNotLinear() {
        #expect(throws: NetworkError.lastNodeNotLinear(name: "pool")) {
            try chain { $0.removeLast() }
        }
    }

    @Test func refusesCyclesAndUnknownInputs() {
        #expect(throws: NetworkError.unknownInput(node: "a", input: "b")) {
            try chain { $0[0] = Node(name: "a", operation: $0[0].operation, inputs: ["b"]) }
        }
        #expect(throws: NetworkError.unknownInput(node: "a", input: "a")) {
            try chain { $0[0] = Node(name: "a", operation: $0[0].operation, inputs: ["a"]) }
        }
    }

    @Test func refusesDuplicateNames() {
        #expect(throws: NetworkError.duplicateNode(name: "a")) {
            try chain { $0[1] = Node(name: "a", operation: $0[1].operation, inputs: ["a"]) }
        }
        #expect(throws: NetworkError.duplicateNode(name: "input")) {
            try chain { $0[0] = Node(name: "input", operation: $0[0].operation, inputs: ["input"]) }
        }
    }

    @Test func refusesNodesThatNothingReads() {
        #expect(throws: NetworkError.unusedNode(name: "b")) {
            try chain { $0[2] = Node(name: "pool", operation: .globalAveragePool, inputs: ["a"]) }
        }
    }

    @Test func refusesWrongInputCounts() {
        #expect(throws: NetworkError.inputCount(node: "b", expected: 1, found: 2)) {
            try chain { $0[1] = Node(name: "b", operation: $0[1].operation, inputs: ["a", "a"]) }
        }
    }

    @Test func refusesChannelsThatDoNotFit() {
        let wrong = Convolution(
            parameters: "b", inputChannels: 6, outputChannels: 8, kernel: 3, padding: 1,
            activation: .relu)
        #expect(throws: NetworkError.channels(node: "b", expected: 6, found: 8)) {
            try chain(second: wrong)
        }
        #expect(throws: NetworkError.channels(node: "linear", expected: 9, found: 8)) {
            try chain(linear: Linear(parameters: "linear", inputFeatures: 9, outputFeatures: 4))
        }
    }

    @Test(arguments: [
        ("input channels", 0, 8, 3, 1, 1, 1), ("output channels", 8, -1, 3, 1, 1, 1),
        ("kernel", 8, 8, 0, 1, 1, 1), ("stride", 8, 8, 3, 0, 1, 1), ("padding", 8, 8, 3, 1, -1, 1),
        ("groups", 8, 8, 3, 1, 1, 0), ("groups", 8, 8, 3, 1, 1, 3),
        ("output channels", 8, Graph.largestDimension + 1, 3, 1, 1, 1),
    ])
    func refusesImpossibleNumbers(
        what: String, input: Int, output: Int, kernel: Int, stride: Int, padding: Int, groups: Int
    ) {
        let numbers = [
            "input channels": input, "output channels": output, "kernel": kernel, "stride": stride,
            "padding": padding, "groups": groups,
        ]
        #expect(throws: NetworkError.invalid(node: "b", what: what, found: numbers[what]!)) {
            try chain(
                second: Convolution(
                    parameters: "b", inputChannels: input, outputChannels: output, kernel: kernel,
                    stride: stride, padding: padding, groups: groups, activation: .relu))
        }
    }

    /// A small map with a border of zeros that no memory holds.
    @Test func refusesBordersThatAreTooLarge() throws {
        let graph = try chain(
            first: Convolution(
                parameters: "a", inputChannels: 3, outputChannels: 8, kernel: 3, padding: 1,
                activation: .relu),
            second: Convolution(
                parameters: "b", inputChannels: 8, outputChannels: 8, kernel: 1,
                stride: Graph.largestDimension, padding: Graph.largestDimension, groups: 8,
                activation: .relu))
        #expect(throws: NetworkError.tooLarge(node: "b")) { try graph.shapes(height: 1, width: 1) }
    }

    @Test func refusesTensorsOfMoreThanThirtyOneBits() throws {
        let large = Convolution(
            parameters: "b", inputChannels: 8, outputChannels: Graph.largestDimension,
            kernel: Graph.largestDimension, padding: 1, activation: .relu)
        #expect(throws: NetworkError.tooLarge(node: "b")) { try chain(second: large) }
        let graph = try chain(
            first: Convolution(
                parameters: "a", inputChannels: 3, outputChannels: 8, kernel: 3, padding: 1,
                activation: .relu))
        #expect(throws: NetworkError.tooLarge(node: "input")) {
            try graph.shapes(height: 1 << 40, width: 1 << 40)
        }
        #expect(throws: NetworkError.tooLarge(node: "a")) {
            try graph.shapes(height: 1 << 13, width: 1 << 14)
        }
    }

    @Test func refusesInputsSmallerThanAWindow() throws {
        let graph = try chain(
            first: Convolution(
                parameters: "a", inputChannels: 3, outputChannels: 8, kernel: 5, padding: 0,
                activation: .relu))
        #expect(
            throws: NetworkError.inputTooSmall(
                node: "a", input: Shape(channels: 3, height: 4, width: 8))
        ) { try graph.shapes(height: 4, width: 8) }
        #expect(
            throws: NetworkError.inputTooSmall(
                node: "input", input: Shape(channels: 3, height: 0, width: 8))
        ) { try graph.shapes(height: 0, width: 8) }
    }

    @Test func refusesSumsOfDifferentShapes() throws {
        let graph = try chain {
            $0[2] = Node(name: "sum", operation: .add(.relu), inputs: ["b", "c"])
            $0.insert(
                Node(
                    name: "c",
                    operation: .convolution(
                        Convolution(
                            parameters: "c", inputChannels: 8, outputChannels: 8, kernel: 1,
                            stride: 2,
                            padding: 0, activation: .identity)), inputs: ["a"]), at: 2)
            $0.insert(Node(name: "pool", operation: .globalAveragePool, inputs: ["sum"]), at: 4)
        }
        #expect(
            throws: NetworkError.sumOfShapes(
                node: "sum", first: Shape(channels: 8, height: 4, width: 4),
                second: Shape(channels: 8, height: 2, width: 2))
        ) { try graph.shapes(height: 8, width: 8) }
    }

    @Test func refusesLinearLayersThatAreNotLastOrNotPooled() {
        #expect(throws: NetworkError.linearNotPooled(name: "linear")) {
            try chain {
                $0[3] = Node(name: "linear", operation: $0[3].operation, inputs: ["b"])
            }
        }
        #expect(throws: NetworkError.linearNotLast(name: "linear")) {
            try chain {
                let linear = Linear(parameters: "l", inputFeatures: 8, outputFeatures: 8)
                $0[3] = Node(name: "linear", operation: .linear(linear), inputs: ["pool"])
                $0.append(Node(name: "last", operation: .linear(linear), inputs: ["pool"]))
            }
        }
    }
}
