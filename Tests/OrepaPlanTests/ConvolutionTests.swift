import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

@Suite struct ConvolutionTests {
    let pool = WorkerPool(threadCount: 2)

    @Test(arguments: 0..<120) func equalsTheNaiveReference(seed: Int) throws {
        var random = SeededRandom(UInt64(seed))
        let groups = [1, 1, 1, 2, 3, 8].randomElement(using: &random)!
        let kernel = [1, 1, 2, 3, 3, 5, 7].randomElement(using: &random)!
        let convolution = Convolution(
            parameters: "c", inputChannels: groups * Int.random(in: 1...9, using: &random),
            outputChannels: groups * Int.random(in: 1...40, using: &random), kernel: kernel,
            stride: Int.random(in: 1...3, using: &random),
            padding: Int.random(in: 0...kernel / 2 + 1, using: &random), groups: groups,
            activation: Bool.random(using: &random) ? .relu : .identity)
        let height = Int.random(in: max(1, kernel - 2 * convolution.padding)...23, using: &random)
        let width = Int.random(in: max(1, kernel - 2 * convolution.padding)...61, using: &random)
        let weight = random.floats(convolution.weightShape.reduce(1, *))
        let bias = random.floats(convolution.outputChannels)
        let input = random.floats(convolution.inputChannels * height * width)

        let output = try convolution.evaluate(
            weight: Tensor(shape: convolution.weightShape, values: weight),
            bias: Tensor(shape: [bias.count], values: bias), input: input, height: height,
            width: width,
            pool: pool)

        let expected = naiveConvolution(
            convolution, weight: weight, bias: bias, input: input, height: height, width: width)
        #expect(output.shape.elementCount == expected.count)
        let length = convolution.weightShape.dropFirst().reduce(1, *) + 1
        let tolerance = sumTolerance(length: length, weight: 1, input: 1)
        let error = zip(output.values, expected).map { abs(Double($0) - $1) }.max()!
        #expect(error <= tolerance, "\(convolution) on \(height)x\(width)")
    }

    @Test func bandsOfRowsJoinWithoutSeams() throws {
        // 64 * 9 * 1024 columns a row: the largest band holds 7 of the 33 rows.
        let convolution = Convolution(
            parameters: "c", inputChannels: 64, outputChannels: 2, kernel: 3, padding: 1,
            activation: .identity)
        var random = SeededRandom(7)
        let weight = random.floats(convolution.weightShape.reduce(1, *))
        let bias = random.floats(2)
        let input = random.floats(64 * 33 * 1024)
        let output = try convolution.evaluate(
            weight: Tensor(shape: convolution.weightShape, values: weight),
            bias: Tensor(shape: [2], values: bias), input: input, height: 33, width: 1024,
            pool: pool)
        let expected = naiveConvolution(
            convolution, weight: weight, bias: bias, input: input, height: 33, width: 1024)
        let error = zip(output.values, expected).map { abs(Double($0) - $1) }.max()!
        #expect(error <= sumTolerance(length: 577, weight: 1, input: 1))
    }

    @Test func aTooSmallInputIsAnError() {
        let convolution = Convolution(
            parameters: "c", inputChannels: 1, outputChannels: 1, kernel: 7, padding: 1,
            activation: .identity
        )
        #expect(
            throws: PlanError.network(
                .inputTooSmall(node: "c", input: Shape(channels: 1, height: 4, width: 9)))
        ) {
            try convolution.evaluate(
                weight: Tensor(shape: [1, 1, 7, 7], values: [Float](repeating: 0, count: 49)),
                bias: Tensor(shape: [1], values: [0]), input: [Float](repeating: 0, count: 36),
                height: 4, width: 9, pool: pool)
        }
    }
}
