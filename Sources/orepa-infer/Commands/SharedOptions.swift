import ArgumentParser
import Orepa
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaThreads

struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads that compute; by default as many as the process may keep busy.")
    var threads: Int?

    var count: Int { threads ?? availableProcessorCount() }

    func validate() throws {
        if let threads, !(1...1024 ~= threads) {
            throw ValidationError("--threads: expected 1 to 1024, found \(threads)")
        }
        // What computes is also what the environment says about it.
        do { _ = try InstructionSet.current() } catch { throw ValidationError("\(error)") }
    }
}

struct DecodingOptions: ParsableArguments {
    @Flag(
        help:
            "Turn and mirror pictures as their EXIF orientation says, as no training pipeline does."
    )
    var exifOrientation = false

    @Option(help: "Most pixels of a picture.")
    var maxPixels = DecodingLimits.default.maximumPixels

    @Option(help: "Most bytes of memory that decoding a picture may take.")
    var maxMemory = DecodingLimits.default.maximumMemory

    @Option(help: "Most scans of a progressive JPEG.")
    var maxScans = DecodingLimits.default.maximumScans

    @Option(help: "Most samples of a JPEG in several scans, added up over all of them.")
    var maxScannedSamples = DecodingLimits.default.maximumScannedSamples

    @Option(
        help: """
            How samples of a 16-bit grey PNG become samples of 8: by their high byte, or as Pillow does, which makes \
            255 of all that is larger.
            """)
    var png16 = DecodingChoices.SixteenBitGrey.high

    @Flag(help: "Refuse damaged pictures that Pillow reads, rather than answer with a warning.")
    var strictPictures = false

    /// Makes them those of a model.
    func set(_ options: inout Model.Options) {
        options.decodingLimits = DecodingLimits(
            maximumPixels: maxPixels, maximumMemory: maxMemory, maximumScans: maxScans,
            maximumScannedSamples: maxScannedSamples)
        options.appliesExifOrientation = exifOrientation
        options.sixteenBitGrey = png16
        options.refusesDamagedPictures = strictPictures
    }

    func validate() throws {
        for (name, value) in [
            ("--max-pixels", maxPixels), ("--max-memory", maxMemory), ("--max-scans", maxScans),
            ("--max-scanned-samples", maxScannedSamples),
        ] where value < 1 {
            throw ValidationError("\(name): expected 1 or more, found \(value)")
        }
    }
}

extension DecodingChoices.SixteenBitGrey: ExpressibleByArgument {}

struct NumericsOptions: ParsableArguments {
    @Option(help: "fast, or strict: direct sums only, closer to Float64 and slower.")
    var numerics = Numerics.fast
}

extension Numerics: ExpressibleByArgument {}

struct ProbeOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: """
            First run the picture whose logits the model file keeps, and end with status 65 unless they are the \
            same to the bit. It takes as long as one more picture, so by default it is done for \
            \(ProbeOptions.enoughPictures) pictures or more.
            """)
    var probe: Bool?

    static let enoughPictures = 16

    /// What was asked for, else whether `count` pictures are enough that it hardly counts beside them.
    func isWanted(pictures count: Int) -> Bool { probe ?? (count >= ProbeOptions.enoughPictures) }
}

struct MemoryOptions: ParsableArguments {
    @Option(
        help: """
            fast keeps weights as the kernels read them; small keeps none and packs a layer when it runs; mapped \
            uses in place what convert --pack stored, with --trust-packed. The same bits each way; by default what is \
            quicker for the number of pictures.
            """)
    var memory: PlanMemory?

    @Flag(
        help: """
            Use the packed weights that the model file holds. Nothing compares them with the plain ones: for a file \
            that you made, or that verify has passed.
            """)
    var trustPacked = false

    /// What was asked for, else what is quicker for `count` pictures: packing each layer when it runs pays for one
    /// only, and not where `model` has packed weights that are used.
    func policy(pictures count: Int, of model: ModelFile) -> PlanMemory {
        memory ?? (count > 1 ? .fast : model.packed.isEmpty || !trustPacked ? .small : .mapped)
    }

    /// Says so where weights are to be used in place and are not, since nobody said that they are trusted.
    func warn(of model: ModelFile) {
        guard memory == .mapped, !trustPacked, !model.packed.isEmpty else { return }
        StandardError.write(
            "orepa-infer: warning: \(model.path): expected --trust-packed with --memory mapped, found none; "
                + "weights are packed into memory anew")
    }
}

struct BudgetOptions: ParsableArguments {
    @Option(help: "Most multiply-adds of a picture; a model that takes more is refused.")
    var maxMultiplyAdds = ModelBudget.default.maximumMultiplyAdds

    @Option(
        help: """
            Most bytes of memory that a model may take for its weights, its feature maps and what it works in, and \
            for the answers of one run.
            """)
    var maxModelMemory = ModelBudget.default.maximumMemory

    var budget: ModelBudget {
        ModelBudget(maximumMultiplyAdds: maxMultiplyAdds, maximumMemory: maxModelMemory)
    }

    func validate() throws {
        for (name, value) in [
            ("--max-multiply-adds", maxMultiplyAdds), ("--max-model-memory", maxModelMemory),
        ] where value < 1 {
            throw ValidationError("\(name): expected 1 or more, found \(value)")
        }
    }
}

extension PlanMemory: ExpressibleByArgument {}

enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

enum Preset: String, ExpressibleByArgument, CaseIterable {
    case imagenet
}
