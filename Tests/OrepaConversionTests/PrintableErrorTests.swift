import Foundation
import Orepa
import OrepaCheckpoint
import OrepaConversion
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// Whoever prints an error prints nothing that a terminal obeys, whatever names files give to things.
@Suite struct PrintableErrorTests {
    /// Erases the screen, begins a line, turns the direction of text, and ends an escape of 8 bits.
    private static let text = "a\u{1B}[2J\r\nb\u{202E}c\u{9B}\u{7F}\u{0}"
    private static let format = ForeignFormat(
        of: FileBytes(Array("ONNX?".utf8) + [UInt8](repeating: 0, count: 8), path: text))!
    private static let shape = Shape(channels: 1, height: 1, width: 1)

    private static let files: [FileError] = [
        .notFound(path: text), .folder(path: text, found: text), .notRegular(path: text),
        .notReadable(path: text, reason: text), .outOfMemory(path: text, byteCount: 1),
        .notWritable(path: text, reason: text), .exists(path: text), .interrupted(path: text),
    ]

    private static let safetensors: [SafetensorsError] = [
        .tooShort(path: text, expected: 8, found: 1),
        .headerTooLong(path: text, limit: 1, found: 2),
        .headerBeyondEnd(path: text, expected: 2, found: 1),
        .malformedHeader(path: text, offset: 1, expected: text, found: text),
        .duplicateKey(path: text, key: text),
        .unknownField(path: text, tensor: text, field: text),
        .missingField(path: text, tensor: text, field: text),
        .unknownElementType(path: text, tensor: text, found: text),
        .shapeOverflow(path: text, tensor: text, shape: [1]), .tooManyNames(path: text, limit: 1),
        .tooManyDimensions(path: text, tensor: text, limit: 1, found: 2),
        .reversedOffsets(path: text, tensor: text, begin: 2, end: 1),
        .sizeMismatch(path: text, tensor: text, expected: 1, found: 2),
        .notContiguous(path: text, tensor: text, expected: 1, found: 2),
        .dataSizeMismatch(path: text, expected: 1, found: 2),
        .outOfMemory(path: text, byteCount: 1), .reservedName(tensor: text),
    ]

    private static let networks: [NetworkError] = [
        .lastNodeNotLinear(name: text), .linearNotLast(name: text), .linearNotPooled(name: text),
        .duplicateNode(name: text), .unusedNode(name: text),
        .unknownInput(node: text, input: text), .inputCount(node: text, expected: 1, found: 2),
        .channels(node: text, expected: 1, found: 2), .invalid(node: text, what: text, found: 1),
        .missingTensor(name: text, expected: [1]),
        .tensorShape(name: text, expected: [1], found: [2]), .duplicateParameters(name: text),
        .unknownTensor(name: text), .inputTooSmall(node: text, input: shape),
        .sumOfShapes(node: text, first: shape, second: shape), .tooLarge(node: text),
        .sumTooLong(node: text),
    ]

    private static let models: [ModelFileError] =
        files.map(ModelFileError.file) + safetensors.map(ModelFileError.safetensors)
        + networks.map { .network(path: text, $0) } + [
            .otherFormat(path: text, format), .notAModel(path: text),
            .newerVersion(path: text, known: 1, found: 2),
            .malformed(path: text, field: text, expected: text, found: text),
            .probe(path: text, numerics: .fast, index: 0, expected: 1, found: 2),
        ]

    private static let plans: [PlanError] =
        networks.map(PlanError.network) + models.map(PlanError.model) + [
            .algorithm(layer: text, .direct), .unknownInstructionSet(name: text),
            .overBudget(.memory, most: 1, found: 2), .outOfMemory(byteCount: 1), .cancelled,
            .deadlineExceeded,
        ]

    private static let pickles: [PickleError] = [
        .refusedGlobal(text), .badText(expected: text, offset: 1),
        .unexpectedValue(expected: text, found: text, offset: 1),
    ]

    private static let archives: [ZipError] = [
        .otherKind(text), .duplicateMember(name: text), .encryptedMember(name: text),
        .compressedMember(name: text, method: 8),
        .sizeMismatch(name: text, expected: 1, found: 2), .badLocalHeader(name: text, offset: 1),
        .localHeaderDiffers(name: text, field: text),
        .memberBeyondEnd(name: text, expected: 2, found: 1),
        .overlappingMembers(name: text, expected: 2, found: 1),
    ]

    private static let legacy: [LegacyError] = [
        .wrongMagicNumber(found: text), .unsupportedVersion(expected: 1, found: text),
        .badSystemInformation(found: text), .badStorageKey(found: text),
        .unknownStorage(key: text), .duplicateStorage(key: text),
        .contradictingStorage(key: text), .storageSizeMismatch(key: text, expected: 1, found: 2),
        .truncatedStorage(key: text, expected: 2, found: 1),
    ]

    private static let checkpoints: [CheckpointError] =
        pickles.map { .pickle(path: text, $0) } + archives.map { .archive(path: text, $0) }
        + legacy.map { .legacy(path: text, $0) } + [
            .unsupportedFormat(path: text, found: text), .noTensors(path: text, found: text),
            .badRecord(path: text, record: text, expected: text, found: text),
            .noStateDictionary(path: text, wanted: text, found: [text]),
            .notATensor(path: text, name: text, found: text),
            .nameCollision(path: text, name: text),
            .unsupportedTensor(path: text, name: text, found: text),
            .missingStorage(path: text, name: text, storage: text),
        ]

    private static let trainings: [TrainingError] =
        networks.map { .network(path: text, $0) } + [
            .unknownFamily(path: text, expected: [text], found: [text]),
            .missingBlock(path: text, block: text, nearest: text),
            .gap(path: text, missing: text, found: text),
            .unknownBlock(path: text, block: text, found: [text]),
            .unknownKey(path: text, key: text, block: text, kind: nil, nearest: text),
            .convolutionShape(path: text, key: text, expected: text, found: [1]),
            .deepStem(path: text, expected: text, firstStage: text, convolutions: [text]),
        ]

    private static let folds: [FoldError] =
        networks.map { .network(path: text, $0) } + [
            .notFinite(path: text, key: text, index: [1], found: text),
            .variance(path: text, key: text, index: [1], epsilon: 1, found: 1),
            .overflow(path: text, tensor: text, index: [1], found: text), .library(text),
        ]

    private static let references: [ReferenceError] =
        files.map(ReferenceError.file) + safetensors.map(ReferenceError.safetensors) + [
            .otherFormat(path: text, format),
            .missing(path: text, tensor: text, expected: text, found: [text]),
            .elementType(path: text, tensor: text, found: .float64),
            .shape(path: text, tensor: text, expected: text, found: [1]),
            .notFinite(path: text, tensor: text, index: 1, found: .nan),
        ]

    private static let conversions: [ConversionError] =
        plans.map { .plan(path: text, $0) } + references.map(ConversionError.reference)
        + checkpoints.map(ConversionError.checkpoint) + [
            .otherNetwork(model: text, checkpoint: text, expected: text, found: text),
            .inputSize(path: text, node: text, expected: 1, found: 2), .library(text),
        ]

    private static let images: [ImageError] = [
        .corrupt(.png, text), .damaged(.jpeg, text), .unsupportedVariant(.jpeg, text),
    ]

    private static let all: [any Error] =
        [OrepaError(.invalidModel, text)] + files + safetensors + networks + models + plans
        + pickles + archives + legacy + checkpoints + trainings + folds + references + conversions
        + images.map { OrepaError(.invalidImage, "\($0)") }

    @Test func descriptionsAreEscaped() {
        for error in PrintableErrorTests.all {
            let description = "\(error)"
            #expect(
                description.unicodeScalars.allSatisfy {
                    ![.control, .format, .lineSeparator, .paragraphSeparator].contains(
                        $0.properties.generalCategory)
                }, "\(type(of: error)): \(description.debugDescription)")
            // That there is something to escape.
            #expect(
                description.contains("\\u{202E}") || !Self.hasText(error),
                "\(type(of: error)): \(description.debugDescription)")
        }
    }

    private static func hasText(_ error: any Error) -> Bool {
        String(reflecting: error).contains("2J")
    }

    /// No error type of the library is left out. Those of pictures hold no text from files, and are put into others.
    @Test func allTypesAreThere() throws {
        let tested = Set(PrintableErrorTests.all.map { "\(type(of: $0))" })
        let pattern = /public (?:enum|struct) (\w+): Error\b/
        let sources = repositoryFile("Sources")
        let names = try #require(FileManager.default.enumerator(atPath: sources))
        var found: Set<String> = []
        for case let name as String in names where name.hasSuffix(".swift") {
            let source = try String(contentsOfFile: sources + "/" + name, encoding: .utf8)
            for match in source.matches(of: pattern) { found.insert(String(match.1)) }
        }
        #expect(found.count >= 13)
        #expect(found.subtracting(tested) == ["ImageError"])
    }
}
