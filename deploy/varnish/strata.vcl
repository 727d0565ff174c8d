# What Varnish (6.0 or later, with vmod xkey of varnish-modules) needs to be purged by varnishPurger and to keep private responses
# apart. Include it in your own VCL, behind your backends and the list of who may purge:
#
#   vcl 4.1;
#   backend default { .host = "127.0.0.1"; .port = "3000"; }
#   acl purgers { "127.0.0.1"; "10.0.0.0"/8; }
#   include "/etc/varnish/strata.vcl";
#
# Definitions of the same subroutine are appended to each other, and Varnish's own come last. Its own vcl_recv passes requests
# with Authorization or Cookie, and its own vcl_backend_response does not keep what sets a cookie or says private: leave them in place.

import std;
import xkey;

sub vcl_recv {
  if (req.method == "PURGE") {
    if (client.ip !~ purgers) {
      return (synth(405, "Purging is not allowed from here"));
    }
    if (req.http.x-purge-all) {
      ban("obj.status != 0");
      return (synth(200, "Purged everything"));
    }
    if (req.http.xkey-softpurge) {
      # Stale from now on: served within its grace while Varnish asks with If-None-Match behind it.
      return (synth(200, "Marked stale: " + xkey.softpurge(req.http.xkey-softpurge)));
    }
    if (req.http.xkey-purge) {
      return (synth(200, "Purged: " + xkey.purge(req.http.xkey-purge)));
    }
    return (purge);
  }
}

sub vcl_backend_response {
  if (!beresp.http.Cache-Control && !beresp.http.Expires) {
    # Varnish would keep a response that says nothing for default_ttl, 120 s.
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.uncacheable = true;
    return (deliver);
  }
  if (beresp.http.Cache-Control !~ "stale-while-revalidate") {
    # Otherwise default_grace would serve everything for 10 s past its freshness, and for 10 s after a soft purge.
    set beresp.grace = 0s;
  }
  if (beresp.http.ETag || beresp.http.Last-Modified) {
    # Kept past its freshness, so that renewing it is a 304.
    set beresp.keep = 1h;
  }
}

sub vcl_deliver {
  # Tags say how the application is built; they are nobody's business outside.
  unset resp.http.xkey;
}
