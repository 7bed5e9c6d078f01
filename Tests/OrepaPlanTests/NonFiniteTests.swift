import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// What is not a number reaches the logits, through every operation, algorithm and set of instructions.
@Suite struct NonFiniteTests {
    struct Case: Sendable, CustomStringConvertible {
        let numerics: Numerics
        let instructionSet: InstructionSet
        var description: String { "\(numerics), \(instructionSet)" }
    }

    static let cases = Numerics.allCases.flatMap { numerics in
        InstructionSet.allCases.filter { $0 <= .best }
            .map { Case(numerics: numerics, instructionSet: $0) }
    }
    private static let size = 32
    private let pool = WorkerPool(threadCount: 2)

    private func logits(
        _ network: Network, _ picture: [Float], _ test: Case
    ) throws -> [Float] {
        let plan = try Plan(
            network, height: NonFiniteTests.size, width: NonFiniteTests.size,
            numerics: test.numerics, instructionSet: test.instructionSet, pool: pool)
        return try PlanContext(plan, pool: pool).run(picture, count: 1)
    }

    private static func picture(_ value: Float, at index: Int) -> [Float] {
        var random = SeededRandom(8)
        var picture = random.floats(3 * size * size)
        picture[index] = value
        return picture
    }

    @Test(arguments: cases) func ofThePicture(test: Case) throws {
        let network = try PlanTests.network(seed: 5, width: 32)
        let plane = NonFiniteTests.size * NonFiniteTests.size
        for index in [0, 5 * NonFiniteTests.size + 7, plane - 1, 3 * plane - 1] {
            let found = try logits(network, NonFiniteTests.picture(.nan, at: index), test)
            #expect(found.allSatisfy { $0.isNaN }, "pixel \(index)")
            for value in [Float.infinity, -.infinity] {
                let found = try logits(network, NonFiniteTests.picture(value, at: index), test)
                #expect(found.allSatisfy { !$0.isFinite }, "pixel \(index) is \(value)")
            }
        }
    }

    /// The parameters of "s" come by way of the residual, those of "stem" through ReLU and max pool.
    @Test(arguments: cases) func ofEachParameter(test: Case) throws {
        let network = try PlanTests.network(seed: 5, width: 32)
        let picture = NonFiniteTests.picture(1, at: 0)
        for (name, tensor) in network.tensors {
            for index in [0, tensor.values.count - 1] {
                var values = tensor.values
                values[index] = .nan
                var tensors = network.tensors
                tensors[name] = Tensor(shape: tensor.shape, values: values)
                let broken = try Network(graph: network.graph, tensors: tensors)
                let found = try logits(broken, picture, test)
                if name.hasPrefix("linear") {
                    #expect(found[index == 0 ? 0 : found.count - 1].isNaN, "\(name)[\(index)]")
                } else {
                    #expect(found.allSatisfy { $0.isNaN }, "\(name)[\(index)]")
                }
            }
        }
    }

    /// One layer of each algorithm: each output whose window sees the NaN is NaN.
    @Test(arguments: cases) func ofOneConvolution(test: Case) throws {
        let size = 20
        let pixel = (row: 9, column: 6)
        for (channels, kernel, stride, groups) in [
            (16, 3, 1, 1), (16, 3, 2, 1), (3, 7, 2, 1), (32, 3, 1, 8), (32, 3, 2, 4), (16, 1, 1, 1),
            (5, 5, 1, 1),
        ] {
            let convolution = Convolution(
                parameters: "c", inputChannels: channels, outputChannels: 32, kernel: kernel,
                stride: stride, padding: kernel / 2, groups: groups, activation: .relu)
            var random = SeededRandom(9)
            let count = convolution.weightShape.reduce(1, *)
            let weight = Tensor(shape: convolution.weightShape, values: random.floats(count))
            let bias = Tensor(shape: [32], values: random.floats(32))
            var input = random.floats(channels * size * size)
            for channel in 0..<channels {
                input[(channel * size + pixel.row) * size + pixel.column] = .nan
            }
            let (shape, values) = try convolution.evaluate(
                weight: weight, bias: bias, input: input, height: size, width: size,
                numerics: test.numerics, instructionSet: test.instructionSet, pool: pool)
            func sees(_ output: Int, _ input: Int) -> Bool {
                let first = output * stride - kernel / 2
                return first..<first + kernel ~= input
            }
            for row in 0..<shape.height where sees(row, pixel.row) {
                for column in 0..<shape.width where sees(column, pixel.column) {
                    for channel in 0..<32 {
                        let value = values[(channel * shape.height + row) * shape.width + column]
                        #expect(value.isNaN, "\(convolution): \(channel), \(row), \(column)")
                    }
                }
            }
        }
    }
}
