// The names of the code that was published with OREPA, RepVGG and DBB.

extension Dialect {
    static let publishedRepVGG = Dialect(
        family: .repVGG, mark: "stage0",
        modules: [
            .init("stage0", .stem),
            .init("stage{stage}.{block}", .block),
            .init("linear", .head),
        ],
        stemConvolutions: publishedStemConvolutions)

    static let publishedResNet = Dialect(
        family: .resNet, mark: "stage0.conv1",
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
