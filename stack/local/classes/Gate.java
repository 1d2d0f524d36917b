import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory;
import org.apache.flink.shaded.netty4.io.netty.buffer.Unpooled;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelFutureListener;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandler;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandlerContext;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelInboundHandlerAdapter;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.DefaultFullHttpResponse;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaders;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpRequest;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpResponseStatus;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpServerCodec;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpVersion;
import org.apache.flink.shaded.netty4.io.netty.util.ReferenceCountUtil;

/**
 * Keeps web pages out of Flink's REST port, which asks nobody who they are and runs what it is given.
 *
 * <p>A page may send a job without being allowed to read the answer, so CORS does not keep it out,
 * and one whose name was made to lead here may read it, too. A browser says both: the page it acts
 * for, and the name it asked for. Refused before a body is read.
 */
public final class Gate implements InboundChannelHandlerFactory {
    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Optional<ChannelHandler> createHandler(
            Configuration configuration, Map<String, String> responseHeaders) {
        String hosts = configuration.toMap().getOrDefault("learnstream.rest.hosts", "");
        return Optional.of(new First(List.of(hosts.split(","))));
    }

    /** Flink adds it behind what stores uploads: it puts the filter in front and leaves. */
    private static final class First extends ChannelInboundHandlerAdapter {
        private final List<String> hosts;

        First(List<String> hosts) {
            this.hosts = hosts;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            String codec = context.pipeline().context(HttpServerCodec.class).name();
            context.pipeline().addAfter(codec, "gate", new Filter(hosts)).remove(this);
        }
    }

    private static final class Filter extends ChannelInboundHandlerAdapter {
        private final List<String> hosts;
        private boolean refused;

        Filter(List<String> hosts) {
            this.hosts = hosts;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest && !refused) {
                refused = !isOurs(((HttpRequest) message).headers());
                if (refused) {
                    DefaultFullHttpResponse answer =
                            new DefaultFullHttpResponse(
                                    HttpVersion.HTTP_1_1,
                                    HttpResponseStatus.FORBIDDEN,
                                    Unpooled.EMPTY_BUFFER);
                    answer.headers().set("content-length", 0).set("connection", "close");
                    context.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
                }
            }
            if (refused) {
                ReferenceCountUtil.release(message);
            } else {
                context.fireChannelRead(message);
            }
        }

        private boolean isOurs(HttpHeaders headers) {
            String host = headers.get("Host");
            String origin = headers.get("Origin");
            String site = headers.get("Sec-Fetch-Site");
            return host != null
                    && hosts.contains(host)
                    && (origin == null || origin.equals("http://" + host) || origin.equals("https://" + host))
                    && (site == null || site.equals("same-origin") || site.equals("none"));
        }
    }
}
