package engine;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.LowerCaseFilter;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.Plugin;

/** The analysis that the index of API keys names and that the server of Elastic's integration tests lacks. */
public class AnalysisPlugin extends Plugin implements org.elasticsearch.plugins.AnalysisPlugin {
    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        AnalysisProvider<TokenFilterFactory> patterns = (index, environment, name, settings) -> {
            List<String> given = settings.getAsList("patterns");
            Pattern[] compiled = given.stream().map(Pattern::compile).toArray(Pattern[]::new);
            boolean keepsOriginal = settings.getAsBoolean("preserve_original", true);
            return filter(name, settings, tokens -> new PatternCaptureGroupTokenFilter(tokens, keepsOriginal, compiled));
        };
        return Map.of(
            "lowercase", simple(LowerCaseFilter::new),
            "unique", simple(RemoveDuplicatesTokenFilter::new),
            "pattern_capture", org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings(patterns));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("uax_url_email", (index, environment, name, settings) ->
            TokenizerFactory.newFactory(name, UAX29URLEmailTokenizer::new));
    }

    private static AnalysisProvider<TokenFilterFactory> simple(UnaryOperator<TokenStream> wrap) {
        return (index, environment, name, settings) -> filter(name, settings, wrap);
    }

    private static TokenFilterFactory filter(String name, Settings settings, UnaryOperator<TokenStream> wrap) {
        return new AbstractTokenFilterFactory(name, settings) {
            @Override
            public TokenStream create(TokenStream tokens) {
                return wrap.apply(tokens);
            }
        };
    }
}
