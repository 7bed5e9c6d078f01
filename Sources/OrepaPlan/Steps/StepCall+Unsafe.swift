import COrepaKernels
import OrepaThreads

/// One run of a step: where it reads and writes, and who does it.
struct StepCall {
    let input: UnsafePointer<Float>
    let output: UnsafeMutablePointer<Float>
    /// The memory that the offsets of the step's other values are in.
    let arena: UnsafeMutablePointer<Float>
    /// Packed; not read by a step that has none.
    let weights: UnsafePointer<Float>
    /// With the scratch that the step needs.
    let workers: ConvolutionWorkers
    /// One that no earlier run of these workers had.
    let number: UInt64
    let isa: orepa_isa
    let threads: StepThreads
    /// Ends the step early.
    let watch: CallWatch?
}

/// A kernel's call as the threads share it: its shape, where it reads and where it writes.
struct KernelCall<Shape> {
    let shape: Shape
    let isa: orepa_isa
    let input: UnsafePointer<Float>
    let second: UnsafePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let watch: CallWatch?

    init(_ shape: Shape, _ call: StepCall, second: UnsafePointer<Float>? = nil) {
        self.shape = shape
        isa = call.isa
        input = call.input
        self.second = second ?? call.input
        output = call.output
        watch = call.watch
    }
}
