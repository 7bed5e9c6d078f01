// The names of the code that was published with OREPA, RepVGG and DBB.

extension Dialect {
    /// All that are known. Of those whose stem a checkpoint has, the one with the longest name for it counts.
    static let all: [Dialect] = [.publishedRepVGG, .publishedResNet]

    static let publishedRepVGG = Dialect(
        family: .repVGG,
        modules: [
            .init("stage0", .stem),
            .init("stage{stage}.{block}", .block),
            .init("linear", .head),
        ],
        stemConvolutions: publishedStemConvolutions)

    static let publishedResNet = Dialect(
        family: .resNet,
        modules: [
            .init("stage0.conv1", .stem),
            .init("stage{stage}.{block}.conv1", .residual(.conv1)),
            .init("stage{stage}.{block}.conv2", .residual(.conv2)),
            .init("stage{stage}.{block}.conv3", .residual(.conv3)),
            .init("stage{stage}.{block}.shortcut", .residual(.shortcut)),
            .init("linear", .head),
        ],
        stemConvolutions: publishedStemConvolutions)

    private static let publishedStemConvolutions: [ModulePattern] = [
        "stage0.{number}", "stage0.conv{}", "stage0.conv1.{number}",
    ]
}
