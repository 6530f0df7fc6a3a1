//! The methods of explanation, by the words of the command line: their names for people and what each is good for.

const METHODS: [(&str, &str); 20] = [
    ("auto", "Automatic"),
    ("tree", "Tree SHAP"),
    ("path", "Path-dependent tree SHAP"),
    ("linear", "Linear SHAP"),
    ("exact", "Exact Shapley values"),
    ("kernel", "Kernel SHAP"),
    ("permutation", "Permutation SHAP"),
    ("owen", "Owen values"),
    ("lime", "LIME"),
    ("ig", "Integrated gradients"),
    ("gradshap", "Expected gradients"),
    ("smoothgrad", "SmoothGrad"),
    ("ixg", "Gradient × input"),
    ("saliency", "Saliency"),
    ("deeplift", "DeepLIFT"),
    ("deepshap", "DeepSHAP"),
    ("lrp", "Relevance (LRP)"),
    ("guided-backprop", "Guided backpropagation"),
    ("occlusion", "Occlusion"),
    ("grad-cam", "Grad-CAM"),
];

/// The methods that the model allows, as far as its description tells.
pub fn methods(allowed: impl Fn(&str) -> bool) -> Vec<(String, &'static str)> {
    let allowed = METHODS.iter().filter(|(key, _)| allowed(key));
    allowed.map(|(key, name)| ((*key).to_owned(), *name)).collect()
}

/// What each method is good for, below its choice.
pub fn about(method: &str) -> &'static str {
    match method {
        "tree" => "Exact, for tree ensembles only",
        "path" => "For tree ensembles: absent features take both ways, as often as the background's rows do",
        "linear" => "Exact, for linear and logistic models only",
        "exact" => "Exact, for a few features",
        "kernel" | "permutation" => "Sampled, for every model, with standard errors",
        "owen" => "Shapley values of columns in unions: those that go together, or the groups that you name",
        "lime" => "A local linear stand-in, with its R²",
        "ig" => "For networks, along the way from the background's mean; adds up",
        "gradshap" => "For networks, sampled over the background; adds up",
        "smoothgrad" => "For networks: the mean gradient near the row",
        "ixg" => "For networks: the gradient at the row, times the row",
        "saliency" => "For networks: how fast the answer changes, without sign",
        "deeplift" => "For networks, against the background's mean; adds up",
        "deepshap" => "For networks, DeepLIFT's mean over the background; adds up",
        "lrp" => "For networks: the score handed back layer by layer",
        "guided-backprop" => "For networks: what speaks for the answer on its way back through rectifiers",
        "grad-cam" => "For networks over pictures: where the last convolution speaks for the answer",
        "occlusion" => "What the answer loses when a part is covered by the background's mean",
        _ => "The most exact one that the model allows",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_gradients_are_offered_where_there_may_be_some() {
        assert_eq!(methods(|_| true).len(), METHODS.len());
        let without = methods(|key| key != "lrp");
        assert!(without.len() == METHODS.len() - 1 && without.iter().all(|(key, _)| key != "lrp"));
        for (key, name) in METHODS {
            assert_eq!(super::super::facts::method_name(key) == key, key == "auto", "{name} has a name of its own");
        }
    }
}
