SELECT feature_view, (sum(equal) / sum(compared))::float8,
       extract(epoch FROM now() - min(measured_at))::float8
FROM feature_skew
WHERE measured_at = (SELECT max(measured_at) FROM feature_skew)
GROUP BY feature_view
