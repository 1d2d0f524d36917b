import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;

/**
 * Connects to PostgreSQL, and waits for a server that is away.
 *
 * <p>The JDBC sink replaces a lost connection once. If it cannot, the task fails, its sink fails again
 * while it is closed, and for this Flink ends the whole TaskManager. So the sink waits here while the
 * server starts again, and then repeats its batch, which is of upserts.
 */
public final class PatientDriver extends org.postgresql.Driver {
    /** Less than Flink's {@code task.cancellation.timeout}, so that a job that waits can be cancelled. */
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private static final Duration PAUSE = Duration.ofMillis(500);

    @Override
    public Connection connect(String url, Properties properties) throws SQLException {
        long began = System.nanoTime();
        while (true) {
            try {
                return super.connect(url, properties);
            } catch (SQLException error) {
                if (!isAway(error) || System.nanoTime() - began > PATIENCE.toNanos()) {
                    throw error;
                }
                try {
                    Thread.sleep(PAUSE.toMillis());
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw error;
                }
            }
        }
    }

    /** It cannot be reached (class 08), or it starts, stops or recovers (57P03). */
    private static boolean isAway(SQLException error) {
        String state = error.getSQLState();
        return state != null && (state.startsWith("08") || state.equals("57P03"));
    }
}
