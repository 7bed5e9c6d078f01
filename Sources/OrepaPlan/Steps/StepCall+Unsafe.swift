import COrepaKernels
import OrepaThreads

/// One run of a step: where it reads and writes, and who does it.
struct StepCall {
    let input: UnsafePointer<Float>
    let output: UnsafeMutablePointer<Float>
    /// Where the step's other values are.
    let memory: StepMemory
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

/// Where the values of a run are.
struct StepMemory {
    /// Where the network's input lies.
    let networkInput: UnsafePointer<Float>
    /// The memory that the offsets of all other values are in.
    let arena: UnsafeMutablePointer<Float>

    func base(of value: Plan.Value) -> UnsafePointer<Float> {
        value.isInput ? networkInput : UnsafePointer(arena + value.offset)
    }
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
